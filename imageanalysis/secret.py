"""The generated SECRET_KEY: made once per installation and kept in its data folder."""

import os
import secrets
from pathlib import Path


def load_or_create(path: Path) -> str:
    """Return the secret kept at `path`, making it (mode 0600) on the first call.

    Two processes may start at once on an empty folder: the file appears whole by a hard link, and the one that comes
    second reads the winner's.
    """
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii")
