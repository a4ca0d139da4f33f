"""An answer that is kept for a while, for what is asked often and seldom changes."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """Asks again after `seconds` only; threads that ask at the same moment may both do so."""

    def __init__(self, ask: Callable[[], Answer], *, seconds: float) -> None:
        self.ask, self.seconds = ask, seconds
        self.good_until = 0.0

    def __call__(self) -> Answer:
        if time.monotonic() >= self.good_until:
            self.keep(self.ask())
        return self.answer

    def keep(self, answer: Answer, *, seconds: float | None = None) -> None:
        """Answer this for so long, whatever would be found by asking."""
        self.answer = answer
        self.good_until = time.monotonic() + (self.seconds if seconds is None else seconds)
