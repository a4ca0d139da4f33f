"""How often pages may ask how things stand, so that many of them together do not keep the machine from its work."""

import threading
import time
from collections.abc import Hashable

from django.conf import settings

# A page that did not ask for so long is closed; longer than any page is ever told to wait.
SEEN_SECONDS = 45.0
LONGEST_MS = 30_000


class Watchers:
    """The pages that asked this process lately. With several processes each sees nearly all of them before long."""

    def __init__(self) -> None:
        self._asked_at: dict[Hashable, float] = {}
        self._forget_at = 0.0
        self._lock = threading.Lock()

    def wait_ms(self, watcher: Hashable, *, now: float | None = None) -> int:
        """How long `watcher`, who asks right now, waits at least before asking again, in milliseconds.

        All that were seen, each waiting so long, ask POLLS_PER_SECOND times a second together.
        """
        moment = time.monotonic() if now is None else now
        with self._lock:
            self._asked_at[watcher] = moment
            if moment >= self._forget_at:
                self._asked_at = {who: at for who, at in self._asked_at.items() if at > moment - SEEN_SECONDS}
                self._forget_at = moment + 1
            return min(round(len(self._asked_at) * 1000 / settings.POLLS_PER_SECOND), LONGEST_MS)


watchers = Watchers()
