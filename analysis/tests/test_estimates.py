"""When a run should end: a range that holds what is typical, never negative, nothing while too little is known."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from accounts.models import User
from analysis import estimates, lifecycle, presentation, spans
from analysis.estimates import Estimate
from analysis.models import AnalysisQueue, ProgressLog
from analysis.story_query import Run, stories
from analysis.tests.queue import claim
from images.tests.factories import queued_image
from images.tests.rows import picture_rows
from mlmodels.models import MLModel

MODEL = "efficientnet:1.0.0"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def runs(*batches: tuple[float, float, int]) -> list[Run]:
    """Runs of batches given by when they began, how long they took, and how many pictures they had."""
    return [
        Run(MODEL, NOON + timedelta(seconds=began), NOON + timedelta(seconds=began + took))
        for began, took, pictures in batches
        for _ in range(pictures)
    ]


ONE_WORKER = runs(*((n * 2.0, 2.0, 4) for n in range(5)))
TWO_WORKERS = ONE_WORKER + runs(*((n * 2.0 + 0.5, 2.0, 4) for n in range(5)))


def waiting(measured: list[Run], *, ahead: int = 0, running: int = 0, first_seconds: float = 0) -> Estimate:
    estimated = estimates.of_waiting(measured, measured, ahead=ahead, running=running, first_seconds=first_seconds)
    assert estimated
    return estimated


def test_below_five_measurements_there_is_no_estimate() -> None:
    few = ONE_WORKER[: estimates.ENOUGH_MEASUREMENTS - 1]

    assert estimates.of_running(few, 0, batch=1) is None
    assert estimates.of_waiting(few, ONE_WORKER, ahead=3, running=1) is None


def test_the_work_ahead_counts_at_the_pace_of_the_latest_batches() -> None:
    assert waiting(ONE_WORKER) == (2, 2, 2)
    assert waiting(ONE_WORKER, ahead=40) == (22, 22, 22)  # each batch of four took two seconds


def test_twice_the_workers_take_half_the_time() -> None:
    assert waiting(TWO_WORKERS, ahead=40).typical == pytest.approx(12)


def test_busy_workers_and_a_model_to_load_come_on_top() -> None:
    assert waiting(ONE_WORKER, running=4) == (2, 3, 4)
    assert waiting(ONE_WORKER, first_seconds=5) == (7, 7, 7)


def test_the_range_holds_what_is_typical() -> None:
    varying = runs(*((n * 10.0, 1.0 + n, 1 + n % 3) for n in range(10)))

    for ahead in (0, 5, 500):
        low, typical, high = waiting(varying, ahead=ahead, running=2)
        assert 0 <= low <= typical <= high


def test_of_a_run_that_has_begun_the_time_gone_is_taken_off_and_nothing_is_negative() -> None:
    varying = runs(*((n * 10.0, 1.0 + n, 1) for n in range(10)))

    assert estimates.of_running(varying, 0, batch=1) == (2, 6, 10)
    assert estimates.of_running(varying, 8.5, batch=1) == (0.5, 1.5, 1.5)
    assert estimates.of_running(varying, 3600, batch=1) == (0, 0, 0)


def test_a_run_is_compared_with_runs_of_like_batches() -> None:
    small, large = runs(*((n * 2.0, 1.0, 2) for n in range(10))), runs(*((n * 9.0 + 40, 8.0, 16) for n in range(2)))

    assert estimates.of_running(small + large, 0, batch=2) == (1, 1, 1)
    assert estimates.of_running(small + large, 0, batch=16) == (8, 8, 8)


@pytest.mark.parametrize(
    ("estimated", "words"),
    [
        (Estimate(0, 0, 0), "up to 1 s"),
        (Estimate(0.4, 0.9, 1.4), "up to 2 s"),
        (Estimate(11, 14, 19), "about 10 to 20 s"),
        (Estimate(10, 10, 10), "about 10 s"),
        (Estimate(50, 70, 100), "about 45 s to 2 min"),
        (Estimate(130, 200, 290), "about 2 to 5 min"),
        (Estimate(4000, 5000, 7000), "about 1 to 2 h"),
        (Estimate(10**7, 10**7, 10**7), "about 45 h"),
    ],
)
def test_a_range_is_shown_in_round_words(estimated: Estimate, words: str) -> None:
    low, high = span = spans.span_of(estimated)

    assert spans.in_words(span) == words
    assert 0 <= low <= high


def test_a_range_is_shown_in_japanese() -> None:
    with translation.override("ja"):
        assert spans.in_words((10, 20)) == "約 10～20 秒"  # noqa: RUF001


def measured(model: MLModel, owner: User, count: int) -> None:
    """Finished runs of two seconds each, one after the other, of this person."""
    images = picture_rows(count, model, user=owner)
    for n, image in enumerate(images):
        ended = timezone.now() - timedelta(seconds=10 * n)
        AnalysisQueue.objects.filter(image=image).update(
            status="completed", started_at=ended - timedelta(seconds=2), completed_at=ended
        )


def test_a_page_estimates_from_the_fifth_measurement_on(owner: User, model: MLModel) -> None:
    measured(model, owner, 4)
    image = queued_image(user=owner, model=model)
    assert presentation.story(stories().get(image=image))["progress"]["estimate"] is None

    measured(model, owner, 1)
    progress = presentation.story(stories().get(image=image))["progress"]

    assert (progress["estimate"], progress["estimated_seconds"]) == ("about 2 s", (2, 2))
    assert timedelta(seconds=1) < progress["estimated_completion"] - timezone.now() < timedelta(seconds=2.1)


def test_a_running_picture_counts_down_and_its_progress_keeps_the_estimate(owner: User, model: MLModel) -> None:
    measured(model, owner, 6)
    image = queued_image(user=owner, model=model)
    held = claim()
    stored = ProgressLog.objects.filter(image=image).latest("id").estimated_completion
    assert stored == held.started_at + timedelta(seconds=2)

    AnalysisQueue.objects.filter(image=image).update(started_at=held.started_at - timedelta(minutes=1))
    progress = presentation.story(stories().get(image=image))["progress"]

    assert progress["estimate"] == "up to 1 s"
    assert progress["estimated_completion"] >= held.started_at


def test_an_ended_run_has_no_estimate(owner: User, model: MLModel) -> None:
    measured(model, owner, 6)
    image = queued_image(user=owner, model=model)
    lifecycle.cancel(image_id=image.pk)

    assert presentation.story(stories().get(image=image))["progress"]["estimated_completion"] is None
