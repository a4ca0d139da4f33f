"""What the doctor asks about the queue and its workers: do they live, run the same code, sweep, and get on."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateTimeField
from django.db.models.functions import Now
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

from accounts.findings import Finding, ok, warning, wrong
from analysis import heartbeats, lane_examinations, lane_wording, pausing, warm_models
from analysis.code_version import THIS_CODE
from analysis.heartbeats import SILENT_SECONDS
from analysis.lanes import Lane
from analysis.models import AnalysisQueue, ProgressLog, WorkerProcess
from analysis.states import Stage
from mlmodels import default_model

LONG_WAIT = timedelta(minutes=30)


def workers() -> Iterator[Finding]:
    """Each worker that gave a sign of life lately, what it takes, and whether it runs this code."""
    alive = heartbeats.alive()
    if not alive:
        yield wrong(
            gettext("No worker is alive: nothing is analyzed and no mail is sent."),
            gettext("Start one: celery -A imageanalysis worker, or everything by python manage.py start."),
        )
    for worker in alive:
        yield _of(worker)
    yield from lane_examinations.lanes(alive)


def _of(worker: WorkerProcess) -> Finding:
    facts = {"host": worker.hostname, "code": worker.code_version or "?", "ours": THIS_CODE}
    if worker.code_version == THIS_CODE:
        since = date_format(localtime(worker.started_at), "DATETIME_FORMAT")
        sentence = gettext("The worker on %(host)s is alive since %(since)s and runs this code (%(code)s).")
        return ok(f"{sentence % {**facts, 'since': since}} {lane_wording.told(Lane.of(worker.lane))}".strip())
    return warning(
        gettext("The worker on %(host)s runs other code (%(code)s) than this process (%(ours)s).") % facts,
        gettext("Bring its machine up to date and start it anew; if it is newer, start the web server anew."),
    )


def sweep() -> Iterator[Finding]:
    """When a worker last looked after the queue; one statement."""
    now_and_last = WorkerProcess.objects.order_by("-seen_at").annotate(now=_now()).values_list("now", "seen_at").first()
    if now_and_last is None:
        yield wrong(gettext("Nobody looks after the queue: runs that were lost stay lost."), gettext("Start a worker."))
        return
    now, seen_at = now_and_last
    seconds = max(0, round((now - seen_at).total_seconds()))
    if seconds > SILENT_SECONDS:
        yield wrong(
            gettext("A worker last looked after the queue %(seconds)d seconds ago; it should every %(every)d.")
            % {"seconds": seconds, "every": settings.SWEEP_SECONDS},
            gettext("Look into the worker's log, and start it anew."),
        )
    else:
        yield ok(gettext("A worker looked after the queue %(seconds)d seconds ago.") % {"seconds": seconds})


def queue() -> Iterator[Finding]:
    """Whether what waits gets on; five statements."""
    if pause := pausing.current():
        yield warning(
            gettext("The queue is paused since %(since)s: nothing is taken.")
            % {"since": date_format(localtime(pause.paused_at), "DATETIME_FORMAT")},
            gettext("Resume it on the admin's page of the queue."),
        )
    waiting = AnalysisQueue.objects.due()
    count = waiting.count()
    found = waiting.order_by("queued_at").annotate(now=_now()).values_list("now", "queued_at").first()
    if found and found[0] - found[1] > LONG_WAIT:
        yield warning(
            _in_words(count, found[1]), gettext("Start more workers, or look into the log of those that run.")
        )
    else:
        yield ok(ngettext("%(count)d picture waits.", "%(count)d pictures wait.", count) % {"count": count})
    yield from lane_examinations.untaken()


def _in_words(count: int, since: datetime) -> str:
    sentence = ngettext(
        "%(count)d picture waits, since %(since)s.", "%(count)d pictures wait, the oldest since %(since)s.", count
    )
    return sentence % {"count": count, "since": date_format(localtime(since), "DATETIME_FORMAT")}


def last_run() -> Iterator[Finding]:
    """How the newest finished run was run, and whether the default model lies in memory; two statements."""
    newest = ProgressLog.objects.filter(current_stage=Stage.COMPLETED).order_by("-pk").first()
    if newest is None:
        yield ok(gettext("No picture was analyzed yet."))
    else:
        # How the model was run, which is the same in every language, or a sentence of `wording`.
        words = gettext(newest.stage_description) if newest.stage_description else "-"
        yield ok(gettext("The newest run: %(words)s") % {"words": words})
    if warm_models.seconds_to_load(default_model.key()) is None:
        yield ok(gettext("The default model is loaded, or the cache does not tell."))
    else:
        yield ok(gettext("The default model is not in memory: its next picture waits until it is loaded."))


def _now() -> Now:
    return Now(output_field=DateTimeField())
