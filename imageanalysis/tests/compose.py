"""docker-compose.yml and the Dockerfile as data: services their variables filled in, and what an image holds."""

import re
import shlex
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from imageanalysis.tests.servers import ROOT

VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


def filled(value: Any, given: Mapping[str, str]) -> Any:
    """The value with `${NAME}`, `${NAME:-default}`, `${NAME:?complaint}` and `$$` replaced as compose does."""
    if isinstance(value, dict):
        return {name: filled(part, given) for name, part in value.items()}
    if isinstance(value, list):
        return [filled(part, given) for part in value]
    return VARIABLE.sub(lambda found: _meaning(found, given), value) if isinstance(value, str) else value


def _meaning(found: re.Match[str], given: Mapping[str, str]) -> str:
    dollar, name, operator, words = found.groups()
    if dollar:
        return "$"
    if not given.get(name) and operator == "?":
        raise KeyError(f"{name}: {words}")
    return given.get(name) or (words if operator == "-" else "")


def read(*names: str, **given: str) -> dict[str, Any]:
    """The compose files, later ones on top of earlier ones as far as ours need it."""
    merged: dict[str, Any] = {}
    for name in names:
        content = filled(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")), given)
        for service, said in content["services"].items():
            known = merged.setdefault("services", {}).setdefault(service, {})
            for key, value in said.items():
                known[key] = known.get(key, []) + value if isinstance(value, list) and merged.get("name") else value
        merged = {**content, **merged}
    return merged


def image_environment() -> dict[str, str]:
    """The `ENV` lines of the Dockerfile's last stage."""
    last_stage = (ROOT / "Dockerfile").read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    lines = re.findall(r"^ENV (.+)$", last_stage, re.MULTILINE)
    return dict(word.split("=", 1) for line in lines for word in shlex.split(line))


def image_command(words: str) -> str:
    """The shell command of the Dockerfile's `RUN` lines that has these words in it."""
    (found,) = re.findall(rf"(?:&& |RUN )([^&\n]*{re.escape(words)}[^&\n]*)", (ROOT / "Dockerfile").read_text("utf-8"))
    return str(found)


def build_context(paths: Iterable[str]) -> list[str]:
    """Of these paths the ones that .dockerignore lets into an image."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [rule for rule in rules if rule and not rule.startswith("#")]
    return [path for path in paths if not _is_ignored(path, patterns)]


def _is_ignored(path: str, patterns: list[str]) -> bool:
    """The last rule that matches the path or a folder above it decides."""
    parts = Path(path).parts
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    ignored = False
    for pattern in patterns:
        anywhere = pattern.removeprefix("!").removeprefix("**/")
        names = parts if "**/" in pattern else above
        if any(fnmatch(name, anywhere) for name in names):
            ignored = not pattern.startswith("!")
    return ignored
