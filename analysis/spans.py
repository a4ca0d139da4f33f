"""Spans of time in a person's words: rounded so that they promise no more than an estimate knows."""

from django.utils.translation import gettext as _

from analysis.estimates import Estimate

STEPS = (1, 2, 3, 5, 10, 15, 20, 30, 45)
UNITS_SECONDS = (1, 60, 3600)
ROUND_SECONDS = tuple(step * unit for unit in UNITS_SECONDS for step in STEPS)


def span_of(estimated: Estimate) -> tuple[int, int]:
    """Round seconds between which the run should end: the low one rounded down, the high one up; never negative."""
    below = [seconds for seconds in ROUND_SECONDS if seconds <= estimated.low]
    above = [seconds for seconds in ROUND_SECONDS if seconds >= estimated.high]
    return (below[-1] if below else 0), (above[0] if above else ROUND_SECONDS[-1])


def in_words(span: tuple[int, int]) -> str:
    """A span such as `about 10 to 20 s`."""
    low, high = span
    if low == high:
        return _("about %(time)s") % {"time": _time(high)}
    if not low:
        return _("up to %(time)s") % {"time": _time(high)}
    if _unit(low) == _unit(high):
        return _("about %(low)d to %(high)s") % {"low": low // _unit(low), "high": _time(high)}
    return _("about %(low)s to %(high)s") % {"low": _time(low), "high": _time(high)}


def _unit(seconds: int) -> int:
    return next(unit for unit in reversed(UNITS_SECONDS) if seconds >= unit)


def _time(seconds: int) -> str:
    unit = _unit(seconds)
    words = {1: _("%(number)d s"), 60: _("%(number)d min"), 3600: _("%(number)d h")}
    return words[unit] % {"number": seconds // unit}
