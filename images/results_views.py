"""What the models said of one picture, for programs and spreadsheets."""

from datetime import datetime
from typing import Any

from django.db.models import Max
from django.http import JsonResponse
from django.views.decorators.http import require_safe

from accounts.request import SignedInRequest
from analysis import presentation
from analysis.agreement import agreement
from analysis.models import AnalysisResult
from analysis.presentation import ModelRun
from images.story_views import own_entry


@require_safe
def results_json(request: SignedInRequest, pk: int) -> JsonResponse:
    """Every model's labels, how it was run and when, and whether they agree; docs/models.md has its shape."""
    entry = own_entry(request, pk)
    runs = presentation.by_model(entry)
    agreed, times = agreement(runs), _analyzed_at(pk)
    told = {
        "id": pk,
        "filename": entry.image.filename,
        "status": entry.image.status,
        "agreement": agreed._asdict() if agreed else None,
        "models": [_told(run, times) for run in runs],
    }
    return JsonResponse(told, json_dumps_params={"ensure_ascii": False, "indent": 2})


def _analyzed_at(image_id: int) -> dict[tuple[str, str], datetime]:
    """When each model and version answered; one query."""
    answered = AnalysisResult.objects.filter(image_id=image_id).order_by().values_list("model_name", "model_version")
    return {(name, version): at for name, version, at in answered.annotate(at=Max("created_at"))}


def _told(run: ModelRun, times: dict[tuple[str, str], datetime]) -> dict[str, Any]:
    name, version = run.ranked[0]["model_name"], run.ranked[0]["model_version"]
    labels = [{key: result[key] for key in ("rank", "label", "confidence")} for result in run.ranked]
    return {
        "name": name,
        "version": version,
        "execution": run.execution or None,
        "analyzed_at": times.get((name, version)),
        "labels": labels,
    }
