"""What the models said of one picture or of several, for programs and spreadsheets."""

import re
from collections import defaultdict
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
from analysis.run_cards import Card
from images.models import Image
from images.story_views import own_entry
from mlmodels.label_names import class_of

SEVERAL = 100


@require_safe
def results_json(request: SignedInRequest, pk: int) -> JsonResponse:
    """Every model's labels, how it was run and when, and whether they agree; docs/models.md has its shape."""
    entry = own_entry(request, pk)
    runs = presentation.by_model(entry)
    times = _analyzed_at(pk)
    told = {
        "id": pk,
        "filename": entry.image.filename,
        "status": entry.image.status,
        "agreement": _agreement(runs),
        "models": [_told(run, times) for run in runs],
    }
    return JsonResponse(told, json_dumps_params={"ensure_ascii": False, "indent": 2})


def _agreement(runs: list[ModelRun]) -> dict[str, Any] | None:
    agreed = agreement(runs)
    told = ("label", "agreeing", "models", "lists_differ")
    return {name: getattr(agreed, name) for name in told} if agreed else None


@require_safe
def results_of_several(request: SignedInRequest) -> JsonResponse:
    """Status and labels of the person's pictures in `?ids=1,2,3`, up to a hundred; two statements.

    For programs that wait for many pictures: one question for all of them. What is not theirs is left out.
    """
    ids = [int(part) for part in re.findall(r"[0-9]{1,9}", request.GET.get("ids", ""))[:SEVERAL]]
    pictures = Image.objects.visible_to(request.user).filter(pk__in=ids).select_related("queue").order_by("pk")
    statuses = {picture.pk: picture.display_status for picture in pictures}
    columns = ("image_id", "model_name", "model_version", "label", "confidence", "rank")
    results = AnalysisResult.objects.filter(image_id__in=statuses).order_by("model_name", "model_version", "rank")
    labels = defaultdict(list)
    for result in results.values(*columns):
        labels[result.pop("image_id")].append({**result, "confidence": float(result["confidence"])})
    told = [{"id": pk, "status": status, "results": labels[pk]} for pk, status in statuses.items()]
    return JsonResponse({"images": told}, json_dumps_params={"ensure_ascii": False})


def _analyzed_at(image_id: int) -> dict[tuple[str, str], datetime]:
    """When each model and version answered; one query."""
    answered = AnalysisResult.objects.filter(image_id=image_id).order_by().values_list("model_name", "model_version")
    return {(name, version): at for name, version, at in answered.annotate(at=Max("created_at"))}


def _told(run: ModelRun, times: dict[tuple[str, str], datetime]) -> dict[str, Any]:
    name, version = run.ranked[0]["model_name"], run.ranked[0]["model_version"]
    labels = [
        {
            "rank": result["rank"],
            "label": result["label"],
            "label_ja": known.ja if (known := class_of(result["label"], name, version)) else None,
            "confidence": result["confidence"],
        }
        for result in run.ranked
    ]
    return {
        "name": name,
        "version": version,
        "execution": run.execution or None,
        "run": _run(run.card) if run.card else None,
        "analyzed_at": times.get((name, version)),
        "labels": labels,
    }


def _run(card: Card) -> dict[str, Any]:
    tried = card.tried
    times = {"queued_at": tried.queued_at, "started_at": tried.started_at, "ended_at": tried.ended_at}
    return {**times, "waited_ms": card.waited_ms, "total_ms": card.total_ms, **card.facts}
