"""Charts drawn on the server: where each bar lies. Colours are the style sheet's, words the template's."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analysis.queue_figures import Ended

# Of the drawing, which is stretched to the room that it gets.
WIDTH, HEIGHT = 240, 100
GAP_SHARE = 0.25
STEPS = (1, 2, 5)


class Bar(NamedTuple):
    """One period: failed runs stand on top of completed ones."""

    label: str
    ended: Ended
    x: float
    width: float
    completed_y: float
    completed_height: float
    failed_y: float
    failed_height: float


class Chart(NamedTuple):
    bars: list[Bar]
    top: int
    completed: int
    failed: int


def bar_chart(periods: Sequence[tuple[str, Ended]]) -> Chart:
    """Bars from the left to the right, as high as their share of a round number that is no less than any."""
    top = round_up(max((ended.completed + ended.failed for _label, ended in periods), default=0))
    room = WIDTH / max(len(periods), 1)
    bars = [_bar(label, ended, place * room, room, HEIGHT / top) for place, (label, ended) in enumerate(periods)]
    return Chart(bars, top, _sum(ended.completed for _, ended in periods), _sum(ended.failed for _, ended in periods))


def _bar(label: str, ended: Ended, left: float, room: float, scale: float) -> Bar:
    completed, failed = ended.completed * scale, ended.failed * scale
    return Bar(
        label=label,
        ended=ended,
        x=round(left + room * GAP_SHARE / 2, 2),
        width=round(room * (1 - GAP_SHARE), 2),
        completed_y=round(HEIGHT - completed, 2),
        completed_height=round(completed, 2),
        failed_y=round(HEIGHT - completed - failed, 2),
        failed_height=round(failed, 2),
    )


def round_up(count: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    power = 1
    while True:
        for step in STEPS:
            if step * power >= count:
                return step * power
        power *= 10


def shares(counts: Iterable[float]) -> list[float]:
    """Each count in percent of the largest, for bars beside each other."""
    values = list(counts)
    largest = max(values, default=0)
    return [round(100 * value / largest, 1) if largest else 0.0 for value in values]


def _sum(counts: Iterable[int]) -> int:
    return sum(counts)
