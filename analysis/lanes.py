"""Lanes: what one worker takes of the queue, by model and priority, and which models of that it takes first.

A worker that names neither takes everything. Nobody hands work out to lanes: a worker leaves in the queue's table what
it does not take, and listens to the doorbell of its own lane only.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Self

from django.conf import settings
from django.db.models import Q

from analysis.states import SERVING_ORDER, Priority

OTHERS, LEFT = "*", "-"
BETWEEN = "|"
# Undedicated workers' doorbell, and with a suffix every other lane's.
DOORBELL_QUEUE = "analysis"


class Rank(NamedTuple):
    """Entries that a worker takes before those of the next rank: of one priority, and of which models."""

    priority: Priority
    models: Q


@dataclass(frozen=True, slots=True)
class Lane:
    """The models named (`name` is every version, `name:version` one), whether it takes them, whether all others, too.

    Those named go first within each priority. No priorities are all of them.
    """

    named: tuple[str, ...] = ()
    takes_named: bool = True
    takes_others: bool = True
    priorities: tuple[Priority, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """The lane that `text` is about."""
        models, _between, priorities = text.partition(BETWEEN)
        return cls.parse(*(tuple(filter(None, part.split(","))) for part in (models, priorities)))

    @classmethod
    def parse(cls, models: Sequence[str], priorities: Sequence[str]) -> Self:
        """As WORKER_MODELS and WORKER_PRIORITIES say; raises ValueError with a sentence for who wrote them."""
        if unknown := [name for name in priorities if name not in Priority.values]:
            known = ", ".join(SERVING_ORDER)
            raise ValueError(f"WORKER_PRIORITIES must hold some of {known}, not {unknown[0]!r}.")
        takes_others = models[-1:] == (OTHERS,)
        named = models[:-1] if takes_others else models
        leaves = bool(named) and not takes_others and all(name.startswith(LEFT) for name in named)
        names = [name.removeprefix(LEFT) if leaves else name for name in named]
        if wrong := [name for name in names if not _is_model(name)]:
            raise ValueError(
                "WORKER_MODELS must name models to take, like clip,resnet50:1.0.0 (with ,* behind them for all others"
                f" after these), or models to leave, like -clip,-resnet50:1.0.0, not {wrong[0]!r}."
            )
        return cls(
            named=tuple(dict.fromkeys(names)),
            takes_named=not leaves,
            takes_others=takes_others or leaves or not models,
            priorities=tuple(priority for priority in SERVING_ORDER if priority in priorities),
        )

    @property
    def text(self) -> str:
        """What `of` reads; empty for a worker that takes everything."""
        sign = "" if self.takes_named else LEFT
        models = [*(sign + name for name in self.named), *([OTHERS] if self.named and self.prefers else [])]
        return BETWEEN.join([",".join(models), ",".join(self.priorities)]) if models or self.priorities else ""

    @property
    def prefers(self) -> bool:
        """Whether it takes all models, those named first."""
        return self.takes_named and self.takes_others

    @property
    def takes_everything(self) -> bool:
        return self.prefers and not self.priorities

    @property
    def does_chores(self) -> bool:
        """Whether its worker also sends mails, makes exports and heat maps, and takes exams: not one kept free."""
        return not self.priorities

    @property
    def doorbell_queue(self) -> str:
        """The Celery queue of its doorbell."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()[:8]
        return f"{DOORBELL_QUEUE}.{digest}" if self.text else DOORBELL_QUEUE

    @property
    def queues(self) -> tuple[str, ...]:
        """The Celery queues that its worker listens to."""
        chores = (settings.CELERY_TASK_DEFAULT_QUEUE,) if self.does_chores else ()
        return (self.doorbell_queue, *chores)

    @property
    def ranks(self) -> tuple[Rank, ...]:
        """What it takes, in the order of serving."""
        kinds = [self.models()] if not (self.named and self.prefers) else [named(self.named), ~named(self.named)]
        return tuple(Rank(priority, kind) for priority in self.priorities or SERVING_ORDER for kind in kinds)

    def takes(self, model_key: str, priority: str) -> bool:
        return self.takes_model(model_key) and (not self.priorities or priority in self.priorities)

    def takes_model(self, model_key: str) -> bool:
        is_named = model_key in self.named or model_key.partition(":")[0] in self.named
        return self.takes_named if is_named else self.takes_others

    def models(self, column: str = "model_name") -> Q:
        """Rows whose `name:version` in that column it takes."""
        if self.prefers:
            return Q()
        return named(self.named, column) if self.takes_named else ~named(self.named, column)

    def entries(self, prefix: str = "") -> Q:
        """Queue entries that it takes, or with a prefix rows that carry these two columns of one."""
        of_priority = Q((f"{prefix}priority__in", self.priorities)) if self.priorities else Q()
        return self.models(f"{prefix}model_name") & of_priority


EVERYTHING = Lane()


def own() -> Lane:
    """The lane of this process' worker; raises ValueError as `Lane.parse` does."""
    return _parsed(tuple(settings.WORKER_MODELS), tuple(settings.WORKER_PRIORITIES))


def named(names: Sequence[str], column: str = "model_name") -> Q:
    """Rows of these models, each a name or `name:version`."""
    found = Q((f"{column}__in", [name for name in names if ":" in name]))
    for name in names:
        if ":" not in name:
            found |= Q((f"{column}__startswith", f"{name}:"))
    return found


_parsed = cache(Lane.parse)


def _is_model(name: str) -> bool:
    parts = name.split(":")
    return len(parts) <= 2 and all(parts) and not set(name) & {OTHERS, BETWEEN, " "} and not name.startswith(LEFT)
