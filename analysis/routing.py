"""Which lanes are served: those of the workers that live, as this process knew them at most `SWEEP_SECONDS` ago.

Nothing but speed, words and places hang on it: what a worker takes it decides by its own settings.
"""

from collections.abc import Callable, Collection, Iterable

from django.conf import settings
from django.db.models import Q

from analysis import heartbeats
from analysis.lanes import Lane
from mlmodels.kept import Kept


def _living() -> tuple[Lane, ...]:
    """The lanes that are served, each once, in no order that means anything."""
    return tuple(Lane.of(text) for text in sorted({worker.lane for worker in heartbeats.alive()}))


living = Kept(_living, seconds=settings.SWEEP_SECONDS)


def takers(model_key: str, priority: str) -> list[Lane]:
    """The lanes that take such an entry."""
    return [lane for lane in living() if lane.takes(model_key, priority)]


def untaken(kinds: Iterable[tuple[str, str]], lanes: Collection[Lane]) -> list[tuple[str, str]]:
    """Of these pairs of model and priority the ones that none of the lanes takes."""
    return [(model, priority) for model, priority in kinds if not any(lane.takes(model, priority) for lane in lanes)]


def explainers(model_key: str) -> list[Lane]:
    """The lanes whose workers make heat maps of the model."""
    return [lane for lane in living() if lane.does_chores and lane.takes_model(model_key)]


def sharing(model_key: str, priority: str) -> Q:
    """Which entries stand in one line with such a one, because some worker takes both; all, when nobody takes it."""
    taking = takers(model_key, priority)
    if not taking or any(lane.takes_everything for lane in taking):
        return Q()
    found = taking[0].entries()
    for lane in taking[1:]:
        found |= lane.entries()
    return found


def in_one_line(model_key: str, priority: str) -> Callable[[str, str], bool]:
    """The same of a model and a priority."""
    taking = takers(model_key, priority)
    if not taking or any(lane.takes_everything for lane in taking):
        return lambda _model_key, _priority: True
    return lambda *other: any(lane.takes(*other) for lane in taking)


def are_lines() -> bool:
    """Whether there is more than the one line of everything."""
    lanes = living()
    return bool(lanes) and not any(lane.takes_everything for lane in lanes)
