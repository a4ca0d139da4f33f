"""Named places at which tests make a process die, stop or stumble; in normal running each is an empty function.

Only settings that name a folder in `FAILPOINTS` arm them, and no settings of this application but those for tests of
faults (`imageanalysis.settings_faults`) do. A test arms a point by a file `<point>:<action>:<anything>` in that folder;
the one process that can move the file to `fired/` performs the action, once. A file `<point>:<action>:<subject>` in
`always/` arms the point for good, for what belongs to that subject.
"""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings

POINTS = (
    "doorbell_received",
    "before_claim",
    "before_claim_commit",
    "after_claim",
    "before_advance_commit",
    "before_read",
    "after_decode",
    "during_inference",
    "after_inference",
    "before_result_commit",
    "after_result_commit",
    "before_take_back_commit",
    "before_cancel_commit",
    "before_file_delete",
    "after_file_stored",
    "before_upload_commit",
    "before_doorbell",
    "before_answer",
)


class FailpointError(Exception):
    """What a point raises whose action is `raise`."""


def _raise() -> None:
    raise FailpointError


def _spin() -> None:
    while True:
        pass


ACTIONS: dict[str, Callable[[], None]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "kill-parent": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "kill-soon": lambda: threading.Timer(0.005, os.kill, [os.getpid(), signal.SIGKILL]).start(),
    "segv": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "pause": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "spin": _spin,
    "raise": _raise,
    "pass": lambda: None,  # only leave a trace in `fired/`
}


def _pass(point: str, subject: str = "") -> None:
    """What a failpoint does outside tests of faults."""


class Armed:
    """A `hit` that looks for armed points in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.fired, self.always = folder, folder / "fired", folder / "always"
        for each in (self.fired, self.always):
            each.mkdir(parents=True, exist_ok=True)

    def __call__(self, point: str, subject: str = "") -> None:
        assert point in POINTS, point  # noqa: S101
        for ticket in sorted(self.folder.glob(f"{point}:*")):
            with suppress(FileNotFoundError):  # another process was quicker
                ticket.rename(self.fired / f"{ticket.name}@{os.getpid()}")
                ACTIONS[ticket.name.split(":")[1]]()
                return
        for standing in self.always.glob(f"{point}:*:{subject.partition('/')[0]}"):
            (self.fired / f"{standing.name}@{os.getpid()}").touch()
            ACTIONS[standing.name.split(":")[1]]()


_FOLDER: Path | None = getattr(settings, "FAILPOINTS", None)
hit: Callable[..., None] = Armed(_FOLDER) if _FOLDER else _pass
