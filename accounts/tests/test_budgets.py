"""Allowances that refill with time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts import budgets
from accounts.budgets import Budget, BudgetSpentError
from accounts.models import SpentBudget

THREE = Budget("three", burst=3, refill_seconds=60)
TWO = Budget("two", burst=2, refill_seconds=60)


def time_passes(seconds: float) -> None:
    """As far as budgets can tell."""
    SpentBudget.objects.update(spent_until=F("spent_until") - timedelta(seconds=seconds))


def tries_left(*whose: object) -> int:
    for spent in range(10):
        try:
            budgets.spend([THREE.of(*whose)])
        except BudgetSpentError:
            return spent
    return 10


def test_a_budget_gives_its_burst_and_then_one_more_with_every_refill(db: None) -> None:
    assert tries_left("me") == 3
    time_passes(59)
    assert tries_left("me") == 0
    time_passes(2)
    assert tries_left("me") == 1
    time_passes(3600)
    assert tries_left("me") == 3


def test_whoever_is_refused_learns_how_long_to_wait(db: None) -> None:
    tries_left("me")
    time_passes(20)

    with pytest.raises(BudgetSpentError) as refused:
        budgets.spend([THREE.of("me")])

    assert refused.value.wait_seconds in (39, 40)


def test_purses_are_apart(db: None) -> None:
    tries_left("me")

    assert tries_left("you") == 3
    assert tries_left("m", "e") == 3


def test_where_one_purse_is_empty_nothing_is_taken_from_the_others_and_nothing_written(db: None) -> None:
    budgets.spend([TWO.of("me")])
    budgets.spend([TWO.of("me")])
    before = list(SpentBudget.objects.values())

    with pytest.raises(BudgetSpentError):
        budgets.spend([THREE.of("me"), TWO.of("me")])

    assert list(SpentBudget.objects.values()) == before


def test_what_is_given_back_was_never_taken(db: None) -> None:
    purse = THREE.of("me")

    budgets.undo(budgets.spend([purse]))

    assert not SpentBudget.objects.exists()
    first = budgets.spend([purse])
    budgets.spend([purse])
    budgets.undo(first)
    assert tries_left("me") == 2


def test_a_purse_is_untouched_again_after_a_day_and_then_forgotten(db: None) -> None:
    purse = THREE.of("me")
    assert budgets.is_untouched(purse)
    budgets.spend([purse])
    time_passes(23 * 3600)
    assert not budgets.is_untouched(purse)
    assert budgets.forget_old() == 0

    time_passes(3600 + 61)

    assert budgets.is_untouched(purse)
    assert budgets.forget_old() == 1


def test_the_table_tells_neither_names_nor_addresses(db: None) -> None:
    budgets.spend([THREE.of("somebody@example.org", "192.0.2.7")])

    kept = str(list(SpentBudget.objects.values()))

    assert "somebody" not in kept
    assert "192.0.2" not in kept


@pytest.mark.django_db(transaction=True)
def test_of_many_who_spend_at_once_only_the_burst_succeeds() -> None:
    barrier = Barrier(8)

    def spend(_number: int) -> bool:
        try:
            connection.ensure_connection()
            barrier.wait(10)
            budgets.spend([THREE.of("me")])
        except BudgetSpentError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(8))) == 3
    assert SpentBudget.objects.get().spent_until > timezone.now() + timedelta(seconds=170)
