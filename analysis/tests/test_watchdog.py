"""When a worker may be taken for deaf: only while something can be claimed, it claims nothing, and runs nothing."""

from datetime import timedelta

import pytest
from celery.worker import state
from django.db.models.functions import Now
from pytest_django import Settings

from analysis import heartbeats, watchdog
from analysis.heartbeats import Heart
from analysis.models import WorkerProcess
from analysis.watchdog import EXIT_CODE, Watchdog

PATIENCE_SECONDS = 60


@pytest.fixture
def dog(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    """Of a worker whose child is ready."""
    monkeypatch.setattr(state, "should_stop", None)
    monkeypatch.setattr(watchdog, "STOP_WITHIN_SECONDS", 10**6)
    Heart().beat()
    heartbeats.note_claim()
    found = Watchdog(PATIENCE_SECONDS)
    found.look(is_something_due=True)
    return found


def let_pass(seconds: float, dog: Watchdog, *, is_something_due: bool = True) -> bool:
    """Look as often as a worker does in that time; whether it asked for a new connection."""
    asked = False
    step = 3
    for _ in range(int(seconds / step)):
        dog.last_look -= step
        try:
            dog.look(is_something_due)
        except ConnectionResetError:
            asked = True
    return asked


def test_a_worker_that_claims_nothing_connects_anew_once_and_then_ends(dog: Watchdog) -> None:
    assert not let_pass(12, dog)
    assert let_pass(6, dog)
    assert not let_pass(36, dog)
    assert state.should_stop is None

    let_pass(12, dog)

    assert state.should_stop == EXIT_CODE


def test_nothing_to_claim_is_no_reason(dog: Watchdog) -> None:
    assert not let_pass(10 * PATIENCE_SECONDS, dog, is_something_due=False)
    assert state.should_stop is None


def test_each_claim_gives_new_time(dog: Watchdog) -> None:
    for number in range(10):
        assert not let_pass(12, dog)
        WorkerProcess.objects.update(claimed_at=Now() + timedelta(seconds=number))
        dog.look(is_something_due=True)
    assert state.should_stop is None


def test_a_worker_whose_child_runs_something_is_not_deaf(dog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "active_requests", {"a long download"})

    assert not let_pass(10 * PATIENCE_SECONDS, dog)
    assert state.should_stop is None


def test_time_in_which_the_loop_stood_still_does_not_count(dog: Watchdog) -> None:
    dog.last_look -= 10 * PATIENCE_SECONDS  # no broker, or a machine asleep

    dog.look(is_something_due=True)

    assert state.should_stop is None


def test_before_the_first_child_is_ready_there_is_no_hurry(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "should_stop", None)
    Heart().beat()
    dog = Watchdog(PATIENCE_SECONDS)

    assert not let_pass(10 * PATIENCE_SECONDS, dog)
    assert state.should_stop is None
