"""Allowances of tries that refill with time, kept in the database so that all processes count together.

Each allowance is one row with one time: up to when it is spent ("generic cell rate algorithm", ITU-T I.371). A try is
paid for before it is made, by compare-and-set, so tries made at once cannot outrun the count. What is refused writes
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import SpentBudget

# A spent allowance is remembered for so long, so that `is_untouched` can tell; then it is as good as new.
REMEMBERED = timedelta(hours=24)


class BudgetSpentError(Exception):
    """There is nothing left of an allowance; some is in `wait_seconds`."""

    def __init__(self, kind: str, wait_seconds: float) -> None:
        super().__init__(kind)
        self.kind = kind
        self.wait_seconds = max(1, round(wait_seconds))


@dataclass(frozen=True, slots=True)
class Budget:
    """`burst` tries at once, then one more every `refill_seconds`: at most burst + 3600 / refill_seconds in an hour."""

    kind: str
    burst: int
    refill_seconds: int

    def of(self, *whose: object) -> "Purse":
        """The allowance of this kind that belongs to `whose`."""
        digest = salted_hmac(f"accounts.budgets.{self.kind}", "\0".join(map(str, whose)), algorithm="sha256")
        return Purse(self, f"{self.kind}:{digest.hexdigest()[:40]}")


@dataclass(frozen=True, slots=True)
class Purse:
    """One person's, address's or name's share of a budget."""

    budget: Budget
    key: str

    @property
    def refill(self) -> timedelta:
        return timedelta(seconds=self.budget.refill_seconds)

    def spent_after_one_more(self, before: datetime | None) -> datetime:
        """Raises BudgetSpentError."""
        now = timezone.now()
        after = max(before or now, now) + self.refill
        wait = after - self.budget.burst * self.refill - now
        if wait > timedelta():
            raise BudgetSpentError(self.budget.kind, wait.total_seconds())
        return after


@dataclass(frozen=True, slots=True)
class Payment:
    """What one try took out of one purse."""

    purse: Purse
    before: datetime | None
    after: datetime

    @property
    def is_first(self) -> bool:
        """Whether nothing had been taken out for a day."""
        return self.before is None or self.before < timezone.now() - REMEMBERED

    def undo(self) -> None:
        """Put it back: the try is not to count."""
        row = SpentBudget.objects.filter(pk=self.purse.key)
        mine = row.filter(spent_until=self.after)
        undone = mine.delete()[0] if self.before is None else mine.update(spent_until=self.before)
        if not undone:  # others have paid since
            row.update(spent_until=F("spent_until") - self.purse.refill)


def spend(purses: Sequence[Purse]) -> list[Payment]:
    """Take one try out of each purse, or out of none; raises BudgetSpentError."""
    while True:
        before = _spent_until(purses)
        wanted = [
            Payment(purse, before.get(purse.key), purse.spent_after_one_more(before.get(purse.key))) for purse in purses
        ]
        paid: list[Payment] = []
        for payment in wanted:
            if not _pay(payment):
                break
            paid.append(payment)
        if len(paid) == len(wanted):
            return paid
        undo(paid)


def undo(payments: Sequence[Payment]) -> None:
    for payment in payments:
        payment.undo()


def is_untouched(purse: Purse) -> bool:
    """Whether nothing was taken out of it for a day."""
    return not SpentBudget.objects.filter(pk=purse.key, spent_until__gt=timezone.now() - REMEMBERED).exists()


def forget_old() -> int:
    """Delete what has long been refilled; how many rows."""
    return SpentBudget.objects.filter(spent_until__lt=timezone.now() - REMEMBERED).delete()[0]


def _spent_until(purses: Sequence[Purse]) -> dict[str, datetime]:
    keys = [purse.key for purse in purses]
    return dict(SpentBudget.objects.filter(pk__in=keys).values_list("key", "spent_until"))


def _pay(payment: Payment) -> bool:
    """Whether nobody was quicker."""
    key, after = payment.purse.key, payment.after
    if payment.before is None:
        return SpentBudget.objects.get_or_create(pk=key, defaults={"spent_until": after})[1]
    return SpentBudget.objects.filter(pk=key, spent_until=payment.before).update(spent_until=after) == 1
