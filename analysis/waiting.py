"""Why a picture waits, in a person's words, and until when."""

import math
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts import clock
from analysis import estimates, routing, warm_models
from analysis.estimates import Estimate
from analysis.line_query import Line
from analysis.models import AnalysisQueue
from analysis.states import SERVING_ORDER, Priority
from analysis.story_query import Facts


class Waiting(NamedTuple):
    """How many entries are served before one, why it waits in words of the active language, when it should be done.

    `is_taken` says whether a worker that lives takes such entries.
    """

    ahead: int
    reason: str
    estimate: Estimate | None
    is_taken: bool


def told(entry: AnalysisQueue, facts: Facts) -> Waiting:
    """What to say about a waiting entry; one look-up in the shared cache."""
    loading_seconds = warm_models.seconds_to_load(entry.model_name or "")
    ahead = sum(facts.line.ahead.values()) + facts.line.aged
    taking = routing.takers(entry.model_name or "", entry.priority)
    is_taken = bool(taking)
    estimated = estimates.of_waiting(
        facts.runs_of_model,
        [run for run in facts.recent_runs if any(lane.takes_model(run.model_key) for lane in taking)],
        ahead=ahead,
        running=facts.line.running,
        first_seconds=_seconds_until_due(entry) + (loading_seconds or 0),
    )
    reason = _reason(entry, facts, ahead, is_loaded=loading_seconds is None, is_taken=is_taken)
    return Waiting(ahead, reason, estimated if is_taken and not facts.is_paused else None, is_taken)


def _reason(entry: AnalysisQueue, facts: Facts, ahead: int, *, is_loaded: bool, is_taken: bool) -> str:
    if facts.is_paused:
        return _("The queue is paused; your pictures wait and nothing is lost.")
    if seconds := _seconds_until_due(entry):
        return _("Trying again in about %(seconds)d s.") % {"seconds": seconds}
    if not is_taken:
        return " ".join([*([_line(entry, facts, ahead)] if ahead else []), _why_nobody_takes(entry)])
    sentences = [_line(entry, facts, ahead)]
    if facts.line.running:
        running = ngettext("%(count)d is running.", "%(count)d are running.", facts.line.running)
        sentences.append(running % {"count": facts.line.running})
    if not is_loaded:
        sentences.append(_("The model has to be loaded first."))
    return " ".join(sentences)


def _why_nobody_takes(entry: AnalysisQueue) -> str:
    lanes = routing.living()
    if not lanes:
        return _("No worker runs at the moment; nothing is lost.")
    if not any(lane.takes_model(entry.model_name or "") for lane in lanes):
        return _("No worker takes this model at the moment; nothing is lost.")
    return _("No worker takes this priority at the moment; nothing is lost.")


def _seconds_until_due(entry: AnalysisQueue) -> int:
    """Whole seconds until an entry that went back to the queue may be taken again; 0 when it may."""
    left = (entry.queued_at - clock.now()).total_seconds() if entry.retry_count else 0
    return math.ceil(max(left, 0))


def _line(entry: AnalysisQueue, facts: Facts, ahead: int) -> str:
    if not ahead:
        return _("You are next.")
    sentence = ngettext(
        "%(ahead)d picture is ahead of you: %(parts)s.", "%(ahead)d pictures are ahead of you: %(parts)s.", ahead
    )
    separator = pgettext("between parts of a list", ", ")
    return sentence % {"ahead": ahead, "parts": separator.join(_parts(Priority(entry.priority), facts.line))}


def _parts(own: Priority, line: Line) -> list[str]:
    """What stands ahead, most urgent first; who the others are stays theirs."""
    others = line.ahead[own] - line.own_ahead
    higher = [(line.ahead[priority], priority) for priority in SERVING_ORDER if priority is not own]
    counted = [
        *((count, _with_priority(priority) % {"count": count}) for count, priority in higher),
        (line.own_ahead, _("%(count)d from you") % {"count": line.own_ahead}),
        (others, _("%(count)d from others") % {"count": others}),
        (line.aged, _("%(count)d that has waited long") % {"count": line.aged}),
    ]
    return [words for count, words in counted if count]


def _with_priority(priority: Priority) -> str:
    if priority is Priority.URGENT:
        return _("%(count)d urgent")
    if priority is Priority.HIGH:
        return _("%(count)d with high priority")
    return _("%(count)d with normal priority")
