"""Who is dead: processes of this machine are looked up, others judged by their silence, by who was itself on time."""

import os
import subprocess
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.db.models.functions import Now

from accounts.models import User
from analysis import heartbeats, in_hand, leases, lifecycle, worker
from analysis.heartbeats import Heart
from analysis.models import AnalysisQueue, RunInHand, WorkerProcess
from analysis.states import QueueStatus
from images.tests.factories import queued_image
from mlmodels.models import MLModel

ELSEWHERE = "another-boot 4026531836 77 1234"


def another_worker(process: str = ELSEWHERE, *, silent_seconds: float = 0) -> uuid.UUID:
    seen_at = Now() - timedelta(seconds=silent_seconds)
    return WorkerProcess.objects.create(pk=uuid.uuid4(), hostname="other", process=process, seen_at=seen_at).pk


def test_a_process_is_gone_once_it_has_ended_even_before_its_parent_noticed() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        name = heartbeats.name_of(process.pid)
        assert not heartbeats.is_gone(name)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
        assert heartbeats.is_gone(name)
    assert heartbeats.is_gone(name)


def test_a_process_that_got_the_pid_of_another_is_not_taken_for_it() -> None:
    machine, pid, start = heartbeats.name_of(os.getpid()).rsplit(" ", 2)

    assert heartbeats.is_gone(f"{machine} {pid} {int(start) - 1}")


def test_nobody_can_say_that_a_process_of_another_machine_is_gone() -> None:
    assert not heartbeats.is_gone(ELSEWHERE)
    assert not heartbeats.is_gone(" 1 0")


def test_a_silent_worker_of_another_machine_is_believed_dead_by_who_may_judge(db: None) -> None:
    silent = another_worker(silent_seconds=heartbeats.SILENT_SECONDS + 1)
    another_worker(silent_seconds=heartbeats.SILENT_SECONDS - 1)

    assert heartbeats.dead(judging_by_silence=True) == [silent]
    assert heartbeats.dead(judging_by_silence=False) == []


def test_a_worker_judges_by_silence_only_while_it_is_itself_on_time(db: None) -> None:
    heart = Heart()
    judged = []
    for _ in range(4):
        heart.beat()
        judged.append(heart.may_judge)
    assert judged == [False, False, True, True]

    heart.last_beat -= 60  # the machine slept, or the database was away
    heart.beat()
    assert not heart.may_judge


def test_a_worker_never_believes_itself_dead(db: None) -> None:
    Heart().beat()
    WorkerProcess.objects.update(seen_at=Now() - timedelta(hours=1))

    assert heartbeats.dead(judging_by_silence=True) == []


def test_a_worker_that_was_struck_off_comes_back_with_its_next_beat(db: None) -> None:
    heart = Heart()
    heart.beat()
    heartbeats.forget([heartbeats.THIS_WORKER])
    heart.beat()

    assert WorkerProcess.objects.get().pk == heartbeats.THIS_WORKER


def test_the_runs_of_a_dead_worker_are_taken_back_at_once_and_those_of_a_living_one_stay(
    owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        dying, living = another_worker(heartbeats.name_of(process.pid)), another_worker()
        for claimer in (dying, living):
            queued_image(user=owner, model=model)
            with monkeypatch.context() as that_worker:
                that_worker.setattr(in_hand, "THIS_WORKER", claimer)
                lifecycle.claim_batch(limit=1, before_commit=partial(in_hand.note, "task"))
        assert worker.take_back() == 0
        process.kill()

    assert (worker.take_back(), worker.take_back()) == (1, 0)
    states = AnalysisQueue.objects.values_list("in_hand__worker", "status", "retry_count")
    assert set(states) == {(dying, QueueStatus.WAITING, 1), (living, QueueStatus.PROCESSING, 0)}
    assert [WorkerProcess.objects.filter(pk=each).exists() for each in (dying, living)] == [False, True]


def test_runs_of_a_worker_that_was_struck_off_and_never_came_back_are_taken_back(owner: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)
    lifecycle.claim_batch(limit=1, before_commit=partial(in_hand.note, "task"))
    assert WorkerProcess.objects.filter(pk=heartbeats.THIS_WORKER).exists()  # the claim itself is a sign of life
    assert leases.take_back_from_unknown_workers() == 0

    heartbeats.forget([heartbeats.THIS_WORKER])
    assert leases.take_back_from_unknown_workers() == 0  # it may still come back
    AnalysisQueue.objects.update(started_at=Now() - timedelta(seconds=heartbeats.SILENT_SECONDS + 1))
    assert leases.take_back_from_unknown_workers() == 1


def test_asked_four_times_a_run_is_taken_back_once(owner: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)
    dead = another_worker()
    (claim,) = lifecycle.claim_batch(limit=1, before_commit=partial(in_hand.note, "task"))
    RunInHand.objects.update(worker=dead)

    assert [leases.take_back_from([dead]) for _ in range(4)] == [1, 0, 0, 0]
    assert AnalysisQueue.objects.get().retry_count == claim.retry_count + 1
