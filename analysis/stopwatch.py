"""How long the stages of a run take."""

from time import perf_counter


class Stopwatch:
    """Runs from when it is made; each lap gives the time since the one before to a stage."""

    def __init__(self) -> None:
        self._since = perf_counter()
        self.milliseconds: dict[str, int] = {}

    def lap(self, stage: str) -> None:
        """Over the same stage of pictures that were taken together before."""
        now = perf_counter()
        self.milliseconds[stage] = round((now - self._since) * 1000)
        self._since = now
