"""`/metrics`: how the installation does, as numbers in Prometheus' text format, for who has the token or is near."""

import ipaddress
import statistics
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from accounts.models import WaitingMail
from analysis import metrics, pausing
from analysis.code_version import THIS_CODE

QUANTILES = {"0.5": 50, "0.95": 95}
BEARER = "Bearer "
RECENT = f"of the last {metrics.RECENT.seconds // 60} minutes"


@require_safe
@never_cache
@login_not_required
def page(request: HttpRequest) -> HttpResponse:
    """The numbers as they are now; nothing is there for who may not see them."""
    if not may_see(request):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Installation())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def may_see(request: HttpRequest) -> bool:
    """Whoever sends METRICS_TOKEN or comes from one of METRICS_NETWORKS; nobody while neither is set."""
    told = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and told.startswith(BEARER):
        return constant_time_compare(told.removeprefix(BEARER), settings.METRICS_TOKEN)
    return any(_is_within(request.META.get("REMOTE_ADDR", ""), network) for network in settings.METRICS_NETWORKS)


def _is_within(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network)
    except ValueError:  # a unix socket has no address
        return False


class Installation(Collector):
    """What the database says at the moment of asking; no process keeps counts of its own."""

    def collect(self) -> Iterator[Metric]:
        workers = metrics.workers()
        yield from _of_the_queue(workers)
        yield from _of_runs()
        yield from _of_workers(workers)
        mails = WaitingMail.objects.count()
        yield GaugeMetricFamily("imageanalysis_mails_waiting", "Mails that are still to be sent", mails)


def _of_the_queue(workers: list[metrics.Worker]) -> Iterator[Metric]:
    waiting = _by("imageanalysis_queue_waiting", "Pictures that wait", "priority")
    untaken = _by("imageanalysis_queue_untaken", "Pictures that wait and that no living worker takes", "priority")
    processing = _by("imageanalysis_queue_processing", "Pictures that a worker has in hand", "priority")
    oldest = _by("imageanalysis_queue_oldest_seconds", "How long the oldest picture has waited", "priority")
    for priority, line in metrics.lines(workers).items():
        waiting.add_metric([priority], line.waiting)
        untaken.add_metric([priority], line.untaken)
        processing.add_metric([priority], line.processing)
        oldest.add_metric([priority], line.oldest_seconds)
    yield from (waiting, untaken, processing, oldest)
    is_paused = pausing.is_paused()
    yield GaugeMetricFamily("imageanalysis_queue_paused", "Whether staff have paused the queue", int(is_paused))


def _of_runs() -> Iterator[Metric]:
    ended = _by("imageanalysis_recent_runs", f"Runs {RECENT} that have ended", "model", "outcome")
    for (model, outcome), count in metrics.outcomes().items():
        ended.add_metric([model, outcome], count)
    failed = _by("imageanalysis_recent_failures", f"Runs {RECENT} that have failed", "cause")
    for cause, count in metrics.failures().items():
        failed.add_metric([cause], count)
    took = _by("imageanalysis_recent_seconds", f"What runs {RECENT} took", "model", "stage", "quantile")
    for (model, stage), seconds in metrics.durations().items():
        for quantile, percent in QUANTILES.items():
            took.add_metric([model, stage, quantile], _percentile(seconds, percent))
    yield from (ended, failed, took)


def _of_workers(workers: list[metrics.Worker]) -> Iterator[Metric]:
    silent = _by("imageanalysis_worker_silent_seconds", "Since a worker's last sign of life", "host", "code", "lane")
    for worker in workers:
        silent.add_metric([worker.hostname, worker.code_version, worker.lane], worker.silent_seconds)
    code = _by("imageanalysis_web_code", "Which code the web process runs that answers", "code")
    code.add_metric([THIS_CODE], 1)
    yield from (silent, code)


def _by(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]
