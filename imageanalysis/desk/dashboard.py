"""What the dashboard shows: the installation at one glance, by a number of statements that nothing makes grow."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Count, Sum
from django.utils.formats import number_format, time_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from accounts import clock
from analysis import heartbeats, lane_wording, pausing, queue_figures, speeds, warm_models
from analysis.code_version import THIS_CODE
from analysis.lanes import Lane
from analysis.models import WorkerProcess
from analysis.queue_figures import MINUTE_SECONDS, Throughput, Unfinished
from analysis.states import Priority
from imageanalysis.desk.charts import Chart, bar_chart, shares
from imageanalysis.disks import disks
from images.models import Original
from mlmodels import how_it_did
from mlmodels.models import MLModel

POLL_MS = 5000


class PriorityRow(NamedTuple):
    """One priority of the queue; `share` is that of the fullest in percent."""

    priority: Priority
    waiting: int
    running: int
    share: float


class Cause(NamedTuple):
    """Why runs failed, in words of the active language, and the share of the most frequent cause in percent."""

    message: str
    sentence: str
    runs: int
    share: float


class WorkerRow(NamedTuple):
    """A worker that lives; `loaded` names the models that it has in memory, None when nobody knows."""

    worker: WorkerProcess
    lane: str
    runs_this_code: bool
    loaded: list[tuple[str, str]] | None


class ModelRow(NamedTuple):
    """A model; `rate` is pictures a second of one worker, `share` that of the quickest in percent."""

    model: MLModel
    hindrance: str
    rate: str
    share: float


class DiskRow(NamedTuple):
    names: str
    free_bytes: int
    total_bytes: int
    used_percent: float


def context() -> dict[str, Any]:
    """For the template `admin/desk/_dashboard.html`; nine statements, whatever is in the tables."""
    now = clock.now()
    models = list(MLModel.objects.with_condition().order_by("name", "version"))
    ended = queue_figures.throughput(now)
    unfinished = queue_figures.unfinished()
    workers = _workers(models)
    return {
        "poll_ms": POLL_MS,
        "now": now,
        "pause": pausing.current(),
        "unfinished": unfinished,
        "priorities": _priorities(unfinished),
        "last_hour": ended.lately(60),
        "last_day": ended.lately(24 * 60),
        "charts": _charts(ended),
        "causes": _causes(now),
        "untaken": lane_wording.untaken(unfinished.waiting_by_kind, [Lane.of(row.worker.lane) for row in workers]),
        "workers": workers,
        "models": _models(models),
        "stored": Original.objects.aggregate(pictures=Count("pk"), bytes=Sum("stored_bytes", default=0)),
        "disks": _disks(),
    }


def _priorities(unfinished: Unfinished) -> list[PriorityRow]:
    wide = shares(unfinished.waiting[p] + unfinished.running[p] for p in unfinished.waiting)
    return [
        PriorityRow(priority, waiting, unfinished.running[priority], share)
        for (priority, waiting), share in zip(unfinished.waiting.items(), wide, strict=True)
    ]


def _charts(ended: Throughput) -> list[tuple[str, str, str, Chart]]:
    """The hour and the day: name, title, the words for one period, and the drawing."""
    hour = bar_chart([(_clock(minute), count) for minute, count in ended.by(5, 12)])
    day = bar_chart([(_clock(minute), count) for minute, count in ended.by(60, 24)])
    return [
        ("hour", gettext("Last hour"), gettext("5 minutes"), hour),
        ("day", gettext("Last 24 hours"), gettext("1 hour"), day),
    ]


def _clock(minute: int) -> str:
    return time_format(localtime(datetime.fromtimestamp(minute * MINUTE_SECONDS, UTC)), "H:i")


def _causes(now: datetime) -> list[Cause]:
    counted = queue_figures.causes(now)
    wide = shares(count for _message, count in counted)
    return [
        Cause(message, gettext(message) if message else gettext("No cause was noted."), count, share)
        for (message, count), share in zip(counted, wide, strict=True)
    ]


def _workers(models: list[MLModel]) -> list[WorkerRow]:
    alive = heartbeats.alive()
    loaded = warm_models.of_workers([worker.pk for worker in alive], [model.key for model in models])
    names = {model.key: str(model) for model in models}
    return [
        WorkerRow(
            worker=worker,
            lane=lane_wording.told(Lane.of(worker.lane)),
            runs_this_code=worker.code_version == THIS_CODE,
            loaded=None if loaded is None else sorted((names[k], how) for k, how in loaded[worker.pk].items()),
        )
        for worker in alive
    ]


def _models(models: list[MLModel]) -> list[ModelRow]:
    """Those that are offered: how quick they were, or why people cannot choose them."""
    offered = [model for model in models if model.is_active]
    seconds = speeds.seconds_a_picture([model.key for model in offered])
    rates = [1 / seconds[model.key] if seconds.get(model.key) else 0.0 for model in offered]
    return [
        ModelRow(model, how_it_did.why_not_ready(model), number_format(round(rate, 1), 1) if rate else "", share)
        for model, rate, share in zip(offered, rates, shares(rates), strict=True)
    ]


def _disks() -> list[DiskRow]:
    return [
        DiskRow(
            ", ".join(disk.names),
            disk.free_bytes,
            disk.total_bytes,
            round(100 - 100 * disk.free_bytes / disk.total_bytes, 1),
        )
        for disk in disks()
    ]
