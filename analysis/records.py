"""The rows that belong to runs, written in bulk for the lifecycle: progress, results, timelines, pictures' states."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from analysis import pictures
from analysis.fencing import Claim
from analysis.models import AnalysisResult, Attempt, ProgressLog, TimelineLog
from analysis.states import Stage
from mlmodels.inference.classifier import Prediction

LABEL_MAX_LENGTH = 100
_NOTED = ": "


def add_progress(
    claims: Iterable[Claim],
    now: datetime,
    stage: Stage,
    percentage: int,
    description: str,
    ends_at: datetime | None = None,
) -> None:
    """One row of progress for each run; one statement. `ends_at` is when the runs should end, if that can be said."""
    ProgressLog.objects.bulk_create(
        ProgressLog(
            image_id=claim.image_id,
            progress_percentage=percentage,
            current_stage=stage,
            stage_description=description,
            timestamp=now,
            estimated_completion=ends_at,
        )
        for claim in claims
    )


def execution_note(model_key: str, execution: str) -> str:
    """What the last row of a run's progress says, in technical words: which model, and how it was run."""
    return f"{model_key}{_NOTED}{execution}"


def executions(notes: Iterable[str | None]) -> dict[str, str]:
    """How each model was run on a picture the last time, by `name:version`, from the notes of its runs in order."""
    noted = [(note or "").partition(_NOTED) for note in notes]
    return {model_key: execution for model_key, colon, execution in noted if colon}


def replace_results(predictions: Mapping[Claim, Sequence[Prediction]]) -> None:
    """The labels of runs of one model instead of those that the same model and version gave before; two statements."""
    name, _colon, version = next(iter(predictions)).model_key.partition(":")
    image_ids = [claim.image_id for claim in predictions]
    AnalysisResult.objects.filter(image_id__in=image_ids, model_name=name, model_version=version).delete()
    AnalysisResult.objects.bulk_create(
        AnalysisResult(
            image_id=claim.image_id,
            label=prediction.label[:LABEL_MAX_LENGTH],
            confidence=Decimal(prediction.confidence).quantize(Decimal("0.01")),
            model_name=name,
            model_version=version,
            rank=rank,
        )
        for claim, ranked in predictions.items()
        for rank, prediction in enumerate(ranked, start=1)
    )


def note_interrupted(claims: Iterable[Claim], now: datetime, code: str) -> None:
    """Attempts that a fault of ours ended; one statement."""
    Attempt.objects.bulk_create(_attempt(claim, now, code=code) for claim in claims)


def note_answered(claims: Sequence[Claim], now: datetime, facts: Mapping[str, Any]) -> None:
    """Attempts of one model that gave labels, instead of the earlier ones that had; two statements."""
    image_ids = [claim.image_id for claim in claims]
    Attempt.objects.filter(image_id__in=image_ids, model_key=claims[0].model_key, code="").delete()
    Attempt.objects.bulk_create(_attempt(claim, now, facts=dict(facts)) for claim in claims)


def forget_interrupted(image_ids: Collection[int]) -> None:
    """New runs begin with their first attempts; one statement."""
    Attempt.objects.filter(image_id__in=image_ids).exclude(code="").delete()


def _attempt(claim: Claim, now: datetime, **ended: Any) -> Attempt:
    return Attempt(
        image_id=claim.image_id,
        model_key=claim.model_key,
        number=claim.retry_count + 1,
        queued_at=claim.queued_at,
        started_at=claim.started_at,
        ended_at=now,
        **ended,
    )


def set_timelines(image_ids: Iterable[int], now: datetime, **fields: Any) -> None:
    """What the timelines of these pictures show from now on; one statement."""
    TimelineLog.objects.filter(image_id__in=list(image_ids)).update(updated_at=now, **fields)


def set_images(image_ids: Iterable[int], now: datetime, **fields: Any) -> None:
    """How these pictures stand from now on; one statement."""
    pictures.update(image_ids, updated_at=now, **fields)
