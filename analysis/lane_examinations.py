"""What the doctor asks about lanes: is everything taken that may come, and is what the workers name there."""

from collections.abc import Iterator, Sequence
from itertools import product

from django.utils.translation import gettext

from accounts.findings import Finding, warning, wrong
from analysis import heartbeats, lane_wording, queue_figures, routing
from analysis.lanes import Lane
from analysis.models import WorkerProcess
from analysis.states import SERVING_ORDER
from mlmodels.models import MLModel


def lanes(alive: Sequence[WorkerProcess]) -> Iterator[Finding]:
    """Of the workers that live; one statement when one of them leaves something to others."""
    taking = [Lane.of(worker.lane) for worker in alive]
    if all(lane.takes_everything and not lane.named for lane in taking):
        return
    models = {model.key: model for model in MLModel.objects.with_condition()}
    offered = [key for key, model in models.items() if model.is_active and model.is_ready]
    if untaken := routing.untaken(product(offered, SERVING_ORDER), taking):
        yield warning(
            gettext("No worker takes %(kinds)s.") % {"kinds": lane_wording.kinds(untaken)},
            gettext("Start a worker that does: see WORKER_MODELS and WORKER_PRIORITIES."),
        )
    if not any(lane.does_chores for lane in taking):
        yield wrong(
            gettext("Every worker is kept free for priorities: no mail is sent, no export, heat map or exam is made."),
            gettext("Start a worker without WORKER_PRIORITIES."),
        )
    known = {name for key in models for name in (key, key.partition(":")[0])}
    for name in sorted({name for lane in taking for name in lane.named} - known):
        yield warning(
            gettext("WORKER_MODELS of a worker names %(name)s, which is no model here.") % {"name": name},
            gettext("Correct it, or add that model."),
        )


def untaken() -> Iterator[Finding]:
    """Whether pictures wait that no worker takes; two statements."""
    taking = [Lane.of(worker.lane) for worker in heartbeats.alive()]
    if taking and (sentence := lane_wording.untaken(queue_figures.unfinished().waiting_by_kind, taking)):
        yield wrong(sentence, gettext("Start a worker that does: see WORKER_MODELS and WORKER_PRIORITIES."))
