"""A service of the start command: what to run, and one run of it as a process with its own session."""

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imageanalysis.console import LineCutter
from imageanalysis.lifeline import bound_to_this_process

READ_BYTES = 64 * 1024  # what a pipe holds: one read after the end of a process empties it


@dataclass(frozen=True)
class Service:
    """What to run and how. It starts once the services in `after` are ready, and stops before they do.

    It is ready when `is_ready()` says so, or once it logged `ready_line`; with neither, as soon as it runs.
    """

    name: str
    argv: tuple[str, ...]
    after: tuple[str, ...] = ()
    stop_grace_seconds: float = 10
    is_ready: Callable[[], bool] | None = None
    ready_line: str | None = None
    muted: str | None = None  # lines with these words are not worth anybody's worry here


class Process:
    """One run of a service, in a session of its own: Ctrl-C in the terminal reaches the supervisor only."""

    def __init__(self, service: Service, directory: Path) -> None:
        self.service = service
        self.ready = False
        self.kill_at = math.inf
        self.lines = LineCutter()
        self.started_at = time.monotonic()
        self.output, its_end = os.pipe()
        os.set_blocking(self.output, False)
        self.popen = subprocess.Popen(  # noqa: S603  the start command's own words, no shell
            bound_to_this_process(service.argv),
            cwd=directory,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=its_end,
            stderr=its_end,
            start_new_session=True,
        )
        os.close(its_end)

    @property
    def lived_seconds(self) -> float:
        return time.monotonic() - self.started_at

    @property
    def asked_to_stop(self) -> bool:
        return self.kill_at < math.inf

    def probe(self) -> None:
        if not self.ready and not self.service.ready_line:
            self.ready = self.service.is_ready is None or self.service.is_ready()

    def read_lines(self) -> list[str] | None:
        """The lines written since; None at the end of the output."""
        chunk = os.read(self.output, READ_BYTES)
        lines = self.lines.feed(chunk)
        if self.service.ready_line and any(self.service.ready_line in line for line in lines):
            self.ready = True
        if self.service.muted:
            lines = [line for line in lines if self.service.muted not in line]
        return lines if chunk else None

    def ask_to_stop(self) -> None:
        self.popen.terminate()
        self.kill_at = time.monotonic() + self.service.stop_grace_seconds

    def kill(self) -> None:
        """Kill the process, if it still lives, and all that it has forked."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def bury(self) -> list[str]:
        """Clear away behind the process; return its last lines."""
        self.kill()
        lines: list[str] = []
        with suppress(BlockingIOError):
            lines = self.read_lines() or []
        os.close(self.output)
        return [*lines, *self.lines.finish()]

    @property
    def ending(self) -> str:
        """How it ended, as the rest of a sentence."""
        if self.popen.returncode >= 0:
            return f"ended with exit code {self.popen.returncode}"
        return f"was ended by {signal.Signals(-self.popen.returncode).name}"
