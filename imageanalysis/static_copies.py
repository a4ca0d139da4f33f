"""Static files as browsers like them best: compressed beforehand, under names that change with their content.

The image of a container is built with such copies. Where the application is started from its folder they are made at
the start, again only when a file has changed.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders

STORAGE = "imageanalysis.static_storage.LastingCopies"


class CopiesError(Exception):
    """They could not be made; str() says why."""


def make(folder: Path) -> dict[str, str]:
    """Bring the copies in `folder` up to date; returns the environment in which they are served. Raises CopiesError."""
    environment = {"STATIC_ROOT": str(folder), "STATIC_STORAGE": STORAGE, "WHITENOISE_USE_FINDERS": "false"}
    stamp, wanted = folder / "made-from", _fingerprint()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return environment
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--clear", "--verbosity", "0"]
    made = subprocess.run(  # noqa: S603 - our own command, no shell
        command, cwd=settings.BASE_DIR, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if made.returncode:
        last_words = made.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise CopiesError(f"The static files could not be copied to {folder}: {last_words[0]}")
    stamp.write_text(wanted, encoding="utf-8")
    return environment


def _fingerprint() -> str:
    """Of all static files' names, sizes and times."""
    found = (Path(storage.path(name)) for finder in get_finders() for name, storage in finder.list([]))
    facts = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in found)
    return hashlib.sha256(repr(facts).encode()).hexdigest()
