"""Which runs a worker is at, for whoever writes a log line meanwhile."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

current: ContextVar[tuple[str, ...]] = ContextVar("current", default=())


def run_id(image_id: int, started_at: datetime) -> str:
    """The picture and the moment at which a worker took it: `17-20261123T224000.125`."""
    return f"{image_id}-{started_at:%Y%m%dT%H%M%S.%f}"[:-3]


@contextmanager
def noted(ids: Sequence[str]) -> Iterator[None]:
    token = current.set(tuple(ids))
    try:
        yield
    finally:
        current.reset(token)
