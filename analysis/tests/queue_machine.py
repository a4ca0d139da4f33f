"""The queue as a state machine: a small model walks beside the real functions on the real database."""

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from accounts.tests.factories import UserFactory
from analysis import failures, in_hand, leases, lifecycle
from analysis.fencing import Claim
from analysis.lifecycle import MAX_RETRIES, TransitionError
from analysis.models import AnalysisQueue, AnalysisResult, RunInHand
from analysis.states import TERMINAL_QUEUE_STATUSES, Priority, QueueStatus, Stage
from imageanalysis.tests.invariants import violations
from images import services
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.tests.factories import MLModelFactory

LABELS = [Prediction(f"label {n}", 50.0 / n) for n in range(1, 6)]
UNFINISHED = ("is still waiting", "is still processing")
Run = tuple[Claim, ...]


@dataclass
class Expected:
    """What the model knows of one picture."""

    status: QueueStatus = QueueStatus.WAITING
    retry_count: int = 0
    token: Claim | None = None
    is_labelled: bool = False


class QueueMachine(RuleBasedStateMachine):
    """Every rule asks the real function and the model for the same; after each step they have to agree."""

    runs: Bundle[Run] = Bundle("runs")
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.user, self.model = UserFactory.create(), MLModelFactory.create()
        self.expected: dict[int, Expected] = {}
        self.media_root = Path(settings.MEDIA_ROOT)

    def teardown(self) -> None:
        Image.objects.all().delete()

    @rule(priority=st.sampled_from(Priority))
    def upload(self, priority: Priority) -> None:
        image = queued_image(user=self.user, model=self.model, priority=priority)
        self.expected[image.pk] = Expected()

    @rule(target=runs, limit=st.integers(1, 4))
    def claim(self, limit: int) -> Run:
        worker = uuid.uuid4()
        AnalysisQueue.objects.filter(status=QueueStatus.WAITING).update(queued_at=timezone.now() - timedelta(days=1))
        claims = lifecycle.claim_batch(limit=limit, before_commit=partial(in_hand.note, str(worker)))
        RunInHand.objects.filter(task_id=str(worker)).update(worker=worker)
        waiting = [each for each in self.expected.values() if each.status is QueueStatus.WAITING]
        assert bool(claims) == bool(waiting)
        for claim in claims:
            each = self.expected[claim.image_id]
            assert each.status is QueueStatus.WAITING
            each.status, each.token = QueueStatus.PROCESSING, claim
        return tuple(claims)

    def held(self, run: Run) -> list[Claim]:
        """The claims of a run that the model says are still its own."""
        return [claim for claim in run if claim.image_id in self.expected and self._is_held(claim)]

    def _is_held(self, claim: Claim) -> bool:
        each = self.expected[claim.image_id]
        return each.status is QueueStatus.PROCESSING and each.token == claim

    @rule(run=runs, stage=st.sampled_from([Stage.PREPROCESSING, Stage.MODEL_EXECUTION, Stage.POSTPROCESSING]))
    def heartbeat(self, run: Run, stage: Stage) -> None:
        assert lifecycle.advance(run, stage, percentage=95, description="…") == self.held(run)

    @rule(run=runs)
    def finish(self, run: Run) -> None:
        held = self.held(run)
        assert lifecycle.complete(dict.fromkeys(run, LABELS)) == held
        for claim in held:
            self.expected[claim.image_id] = replace(
                self.expected[claim.image_id], status=QueueStatus.COMPLETED, is_labelled=True
            )

    @rule(run=runs)
    def fail(self, run: Run) -> None:
        held = self.held(run)
        assert lifecycle.fail(run, failures.BY_CODE["damaged"]) == held
        for claim in held:
            self.expected[claim.image_id].status = QueueStatus.FAILED

    def _lose(self, held: list[Claim]) -> None:
        for claim in held:
            each = self.expected[claim.image_id]
            if each.retry_count < MAX_RETRIES:
                each.status, each.retry_count = QueueStatus.WAITING, each.retry_count + 1
            else:
                each.status = QueueStatus.FAILED

    @rule(run=runs)
    def break_down(self, run: Run) -> None:
        held = self.held(run)
        assert lifecycle.retry(run, failures.INTERNAL) == held
        self._lose(held)

    @rule(run=consumes(runs))
    def child_dies(self, run: Run) -> None:
        held = self.held(run)
        given_back = sum(in_hand.give_back(task) for task in self._tasks(run))
        assert given_back == len(held)
        self._lose(held)

    @rule(run=runs)
    def worker_is_taken_for_dead(self, run: Run) -> None:
        """It may go on all the same, and then holds nothing any more."""
        held = self.held(run)
        assert leases.take_back_from([uuid.UUID(task) for task in self._tasks(run)]) == len(held)
        self._lose(held)

    @rule(run=runs)
    def worker_stops(self, run: Run) -> None:
        held = self.held(run)
        assert lifecycle.retry(run, failures.WORKER_STOPPED) == held
        for claim in held:
            self.expected[claim.image_id].status = QueueStatus.WAITING

    def _tasks(self, run: Run) -> set[str]:
        """The task of a run, while its runs are the last that were claimed of their pictures."""
        held = [claim.queue_id for claim in self.held(run)]
        return set(RunInHand.objects.filter(entry__in=held).values_list("task_id", flat=True))

    @rule(minutes=st.integers(0, 10))
    def clock_jumps(self, minutes: int) -> None:
        """Somebody sweeps whose clock is ahead."""
        later = timezone.now() + timedelta(minutes=minutes)
        lost = [each.token for each in self.expected.values() if each.status is QueueStatus.PROCESSING and each.token]
        expired = lost if timedelta(minutes=minutes).total_seconds() > settings.LEASE_SECONDS else []
        assert leases.take_back_expired(now=later) == len(expired)
        self._lose(expired)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.expected:
            return
        image_id = data.draw(st.sampled_from(sorted(self.expected)))
        each = self.expected[image_id]
        if each.status in TERMINAL_QUEUE_STATUSES:
            self._is_refused(partial(lifecycle.cancel, image_id=image_id))
        else:
            lifecycle.cancel(image_id=image_id)
            each.status = QueueStatus.CANCELLED

    @rule(data=st.data(), priority=st.sampled_from(Priority))
    def analyze_again(self, data: st.DataObject, priority: Priority) -> None:
        if not self.expected:
            return
        image_id = data.draw(st.sampled_from(sorted(self.expected)))
        again = partial(lifecycle.resubmit, image_id=image_id, model=self.model, priority=priority)
        if self.expected[image_id].status not in TERMINAL_QUEUE_STATUSES:
            self._is_refused(again)
        else:
            again()
            self.expected[image_id] = Expected(is_labelled=self.expected[image_id].is_labelled)

    def _is_refused(self, wish: Any) -> None:
        try:
            wish()
        except TransitionError:
            return
        raise AssertionError("not refused")

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if not self.expected:
            return
        image_id = data.draw(st.sampled_from(sorted(self.expected)))
        services.delete(image=Image.objects.get(pk=image_id))
        del self.expected[image_id]

    @invariant()
    def model_and_database_agree(self) -> None:
        QueueMachine.steps += 1
        found = AnalysisQueue.objects.values_list("image_id", "status", "retry_count")
        wanted = [(pk, each.status, each.retry_count) for pk, each in self.expected.items()]
        assert sorted(found) == sorted(wanted)
        labelled = set(AnalysisResult.objects.values_list("image_id", flat=True))
        assert labelled == {pk for pk, each in self.expected.items() if each.is_labelled}

    @invariant()
    def promises_are_kept(self) -> None:
        broken = violations(self.media_root)
        assert not [line for line in broken if not any(words in line for words in UNFINISHED)], broken
