"""What tests of real processes share: waiting for a condition, and finding every process of one test."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def until(condition: Callable[[], bool], otherwise: Callable[[], str] | str, *, seconds: float = 60) -> None:
    """Return as soon as `condition` holds; fail with `otherwise` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())
        time.sleep(0.02)


def processes_with(variable: str, value: str) -> set[int]:
    """The living processes with this environment variable, grandchildren and orphans included."""
    entry = os.fsencode(f"{variable}={value}")
    return {int(folder.name) for folder in Path("/proc").glob("[0-9]*") if entry in _environment(folder)}


def _environment(folder: Path) -> list[bytes]:
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or a zombie, or not ours
        return []
