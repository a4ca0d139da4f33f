"""The doctor: one list of examinations, each run beside the others and given up when its time is over."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django import db
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

import accounts.examinations
import analysis.examinations
import mlmodels.examinations
from accounts.findings import Examination, Finding, Level, wrong
from imageanalysis import examinations

LIMIT_SECONDS = 8.0
HASHING_SECONDS = 30.0  # gigabytes of weights on a slow disk


@dataclass(frozen=True, slots=True)
class Matter:
    """Something to examine."""

    name: str
    title: Any
    examine: Examination
    limit_seconds: float = LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    title: str
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """That of its worst finding."""
        return worst(finding.level for finding in self.findings)


MATTERS = (
    Matter("database", _("Database"), examinations.database),
    Matter("broker", _("Broker and cache"), examinations.broker),
    Matter("workers", _("Workers"), analysis.examinations.workers),
    Matter("sweep", _("Sweep"), analysis.examinations.sweep),
    Matter("queue", _("Queue"), analysis.examinations.queue),
    Matter("weights", _("Weights of the offered models"), mlmodels.examinations.weights, HASHING_SECONDS),
    Matter("runtime", _("Device and runtime"), mlmodels.examinations.runtime),
    Matter("last_run", _("Last run"), analysis.examinations.last_run),
    Matter("storage", _("Storage of pictures"), examinations.storage),
    Matter("disks", _("Disk space"), examinations.disks),
    Matter("mail", _("Mail"), accounts.examinations.mail),
    Matter("public_address", _("Public address"), examinations.public_address),
    Matter("clock", _("Clock"), examinations.clock),
)


def examine(matters: tuple[Matter, ...] = MATTERS) -> list[Report]:
    """Examine all at once, in the active language. Takes no longer than the longest limit, whatever hangs."""
    running = [Running(matter) for matter in matters]
    return [one.report() for one in running]


def worst(levels: Iterator[Level]) -> Level:
    return max(levels, key=list(Level).index, default=Level.OK)


@dataclass
class Running:
    """An examination in a thread of its own, which ends with the process at the latest."""

    matter: Matter
    findings: list[Finding] = field(default_factory=list)
    is_done: bool = False

    def __post_init__(self) -> None:
        self.language = get_language() or "en"
        self.ends_at = time.monotonic() + self.matter.limit_seconds
        self.thread = threading.Thread(target=self._run, name=f"doctor-{self.matter.name}", daemon=True)
        self.thread.start()

    def report(self) -> Report:
        self.thread.join(max(0.0, self.ends_at - time.monotonic()))
        hangs = self.thread.is_alive()
        findings = list(self.findings)
        if hangs:
            findings.append(_without_an_answer(self.matter))
        elif not self.is_done:
            findings.append(wrong(gettext("The examination broke off."), gettext("Look into the log.")))
        return Report(self.matter.name, str(self.matter.title), tuple(findings))

    def _run(self) -> None:
        with override(self.language):
            try:
                self.findings.extend(self.matter.examine())
            except db.Error as error:
                self.findings.append(_without_database(error))
            except RedisError as error:
                self.findings.append(_without_cache(error))
            finally:
                db.connections.close_all()  # this thread's own
        self.is_done = True


def _without_an_answer(matter: Matter) -> Finding:
    sentence = gettext("There was no answer within %(seconds)d seconds.") % {"seconds": matter.limit_seconds}
    return wrong(sentence, gettext("See whether the server or the disk behind it still answers, and try again."))


def _without_database(error: Exception) -> Finding:
    sentence = gettext("The database does not answer, so this could not be looked at: %(error)s")
    repair = gettext("Start the database, or look at DATABASE_URL; then apply migrations: python manage.py migrate")
    return wrong(sentence % {"error": str(error).strip().partition("\n")[0]}, repair)


def _without_cache(error: Exception) -> Finding:
    sentence = gettext("The cache does not answer: %(error)s") % {"error": error}
    return wrong(sentence, gettext("Start its server, or look at CACHE_URL."))
