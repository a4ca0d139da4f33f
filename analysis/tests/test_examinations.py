"""What the doctor says about workers and the queue."""

import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.findings import Level
from accounts.models import User
from analysis import examinations, heartbeats, pausing
from analysis.code_version import THIS_CODE, code_version
from analysis.models import AnalysisQueue, WorkerProcess
from images.tests.factories import queued_image
from mlmodels.models import MLModel


def another_worker(*, code: str = THIS_CODE, silent_seconds: float = 0, lane: str = "") -> None:
    seen_at = Now() - timedelta(seconds=silent_seconds)
    WorkerProcess.objects.create(
        pk=uuid.uuid4(), hostname="shed", process="m 1 1", code_version=code, seen_at=seen_at, lane=lane
    )


def test_without_a_worker_that_lives_two_things_are_wrong(db: None) -> None:
    assert [finding.level for finding in (*examinations.workers(), *examinations.sweep())] == [Level.WRONG] * 2

    another_worker(silent_seconds=heartbeats.SILENT_SECONDS + 5)
    assert [finding.level for finding in (*examinations.workers(), *examinations.sweep())] == [Level.WRONG] * 2


def test_a_worker_of_other_code_is_a_warning_and_one_of_this_code_is_not(db: None) -> None:
    another_worker()
    another_worker(code="0123456789ab")
    same, other = examinations.workers()

    assert (same.level, other.level) == (Level.OK, Level.WARNING)
    assert "0123456789ab" in other.sentence
    assert THIS_CODE in other.sentence


def test_what_no_worker_takes_is_told_before_a_picture_comes_and_wrong_when_it_waits(
    owner: User, model: MLModel
) -> None:
    another_worker(lane="nonsense|urgent,high")
    own, untaken, chores, unknown = examinations.workers()

    assert own.sentence.endswith(
        "It takes these models only: nonsense. It is kept free for these priorities: Urgent, High."
    )
    assert (untaken.level, untaken.sentence) == (Level.WARNING, f"No worker takes {model.key}.")
    assert (chores.level, unknown.level) == (Level.WRONG, Level.WARNING)
    assert "nonsense" in unknown.sentence

    queued_image(user=owner, model=model)
    _waits, told = examinations.queue()
    assert told.level == Level.WRONG
    assert told.sentence == f"1 picture waits that no worker takes: {model.key} (Normal)."

    another_worker()
    assert [finding.level for finding in examinations.queue()] == [Level.OK]


def test_a_worker_leaves_its_code_with_its_signs_of_life(db: None) -> None:
    heartbeats.Heart().beat()

    (finding,) = examinations.workers()
    assert (finding.level, WorkerProcess.objects.get().code_version) == (Level.OK, THIS_CODE)


def test_the_code_is_told_by_the_modules_and_not_by_their_tests(tmp_path) -> None:
    (tmp_path / "analysis" / "tests").mkdir(parents=True)
    (tmp_path / "analysis" / "runner.py").write_text("1")
    before = code_version(tmp_path)

    (tmp_path / "analysis" / "tests" / "test_runner.py").write_text("2")
    assert code_version(tmp_path) == before
    (tmp_path / "analysis" / "runner.py").write_text("2")
    assert code_version(tmp_path) != before


@pytest.mark.usefixtures("model")
def test_a_pause_and_a_picture_that_waits_long_are_warnings(owner: User, staff: User, model: MLModel) -> None:
    assert [finding.level for finding in examinations.queue()] == [Level.OK]

    queued_image(user=owner)
    AnalysisQueue.objects.update(queued_at=Now() - timedelta(hours=2))
    pausing.pause(by=staff)

    assert [finding.level for finding in examinations.queue()] == [Level.WARNING] * 2
