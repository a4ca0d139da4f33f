"""Which workers live: each leaves signs of life in the database, by which the others know the dead.

Two things tell that a worker is dead. A process of the same machine can be looked up: that is certain and quick. Any
other has been silent for `SILENT_SECONDS`: that is a guess, which costs nothing but work done twice when it is wrong,
because a run that was taken back is fenced off. Only a worker that was itself on time lately judges by silence: after
the database was away, or the machine slept, everybody looks silent for a moment.
"""

import os
import socket
import time
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from analysis import lanes
from analysis.code_version import THIS_CODE
from analysis.models import WorkerProcess

THIS_WORKER = uuid.uuid4()  # made in the parent before it forks: the children speak for the same worker
SILENT_SECONDS = 3 * settings.SWEEP_SECONDS + 1
BEATS_BEFORE_JUDGING = 3


def note_claim() -> None:
    """Note that this worker claims just now, or has got ready to; one statement, in the transaction of the claim."""
    _sign(claimed_at=Now())


def _sign(**fields: Any) -> None:
    """Note that this worker lives; whom the others have struck off comes back."""
    if not WorkerProcess.objects.filter(pk=THIS_WORKER).update(seen_at=Now(), **fields):
        own = {"hostname": socket.gethostname(), "process": THIS_PROCESS, "code_version": THIS_CODE}
        own["lane"] = lanes.own().text
        WorkerProcess.objects.get_or_create(pk=THIS_WORKER, defaults={**own, "seen_at": Now(), **fields})


def last_claim_at() -> datetime | None:
    return WorkerProcess.objects.filter(pk=THIS_WORKER).values_list("claimed_at", flat=True).first()


class Heart:
    """This worker's own signs of life."""

    def __init__(self) -> None:
        self.beats_on_time = 0
        self.last_beat = 0.0

    @property
    def may_judge(self) -> bool:
        return self.beats_on_time >= BEATS_BEFORE_JUDGING

    def beat(self) -> None:
        """Leave a sign of life; one statement, two the first time."""
        _sign()
        now = time.monotonic()
        was_on_time = now - self.last_beat <= 2 * settings.SWEEP_SECONDS
        self.beats_on_time = self.beats_on_time + 1 if was_on_time else 1
        self.last_beat = now


heart = Heart()


def dead(*, judging_by_silence: bool) -> list[uuid.UUID]:
    """The workers that are known, or with `judging_by_silence` believed, to be dead; one statement."""
    silent = Q(seen_at__lt=Now() - timedelta(seconds=SILENT_SECONDS))
    others = WorkerProcess.objects.exclude(pk=THIS_WORKER).annotate(is_silent=silent)
    return [other.pk for other in others if (judging_by_silence and other.is_silent) or is_gone(other.process)]


def alive() -> list[WorkerProcess]:
    """The workers that gave a sign of life lately; one statement."""
    since = Now() - timedelta(seconds=SILENT_SECONDS)
    return list(WorkerProcess.objects.filter(seen_at__gte=since).order_by("hostname", "started_at"))


def forget(workers: list[uuid.UUID]) -> None:
    """Strike workers off; one that lives after all comes back with its next beat."""
    WorkerProcess.objects.filter(pk__in=workers).delete()


def name_of(pid: int) -> str:
    """A name of the process that no other one ever has: the machine since its start, pid, start time."""
    return f"{_machine()} {pid} {_start_of(pid)}"


def is_gone(process: str) -> bool:
    """Whether the process has ended for certain; of one that cannot be looked up from here nobody can say so."""
    machine, pid, start = process.rsplit(" ", 2)
    if not machine or machine != _machine():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # somebody else's, and it lives
    return _start_of(int(pid)) != start


def _machine() -> str:
    """Boot and pid namespace: where both are the same, a pid means the same. Empty where the kernel does not tell."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    return ""


def _start_of(pid: int) -> str:
    """In ticks since boot; "0" for a process that has ended and only waits for its parent to notice."""
    with suppress(OSError):
        # The name in brackets may itself hold spaces and brackets; state is field 3 of proc(5), start time field 22.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "0" if fields[0] in "ZX" else fields[19]
    return "0"


THIS_PROCESS = name_of(os.getpid())
