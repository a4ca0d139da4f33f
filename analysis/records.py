"""What a run leaves behind beside states: rows of progress and of results, written in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from analysis.fencing import Claim
from analysis.models import AnalysisResult, ProgressLog
from analysis.states import Stage
from mlmodels.inference.classifier import Prediction

LABEL_MAX_LENGTH = 100


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
