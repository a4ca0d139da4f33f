"""What a worker takes, and what nobody takes, in words of the active language for staff."""

from collections.abc import Collection, Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from analysis import routing
from analysis.lanes import Lane
from analysis.states import SERVING_ORDER, Priority


def told(lane: Lane) -> str:
    """Empty for a lane that takes everything."""
    sentences = []
    models = {"models": _listed(lane.named)}
    if lane.named and lane.prefers:
        sentences.append(_("It takes %(models)s first, then all other models.") % models)
    elif lane.named and lane.takes_named:
        sentences.append(_("It takes these models only: %(models)s.") % models)
    elif lane.named:
        sentences.append(_("It takes all models but %(models)s.") % models)
    if lane.priorities:
        priorities = {"priorities": _listed(priority.label for priority in lane.priorities)}
        sentences.append(_("It is kept free for these priorities: %(priorities)s.") % priorities)
    return " ".join(sentences)


def untaken(waiting: Mapping[tuple[str, str], int], lanes: Collection[Lane]) -> str:
    """That pictures wait which none of these lanes takes, counted by model and priority; empty when all are taken."""
    found = routing.untaken(waiting, lanes)
    count = sum(waiting[kind] for kind in found)
    sentence = ngettext(
        "%(count)d picture waits that no worker takes: %(kinds)s.",
        "%(count)d pictures wait that no worker takes: %(kinds)s.",
        count,
    )
    return sentence % {"count": count, "kinds": kinds(found)} if count else ""


def kinds(untaken: Collection[tuple[str, str]]) -> str:
    """Models with their priorities: "clip:1.0.0 (Urgent, High)", without them where it is all."""
    parts = []
    for model in sorted({model for model, _priority in untaken}):
        priorities = [priority for priority in SERVING_ORDER if (model, priority) in untaken]
        labels = _listed(Priority(priority).label for priority in priorities)
        parts.append(model if len(priorities) == len(SERVING_ORDER) else f"{model} ({labels})")
    return _listed(parts)


def _listed(parts: Iterable[object]) -> str:
    return pgettext("between parts of a list", ", ").join(map(str, parts))
