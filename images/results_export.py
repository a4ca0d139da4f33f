"""What the models said of many pictures as one CSV or JSON file, written while it is sent: never more than some hundred
pictures are in memory, and each statement begins behind the picture where the one before ended."""

import json
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch

from analysis.models import AnalysisResult
from images.gallery_filters import Filters
from images.gallery_order import Order
from images.models import Image, ImageQuerySet
from images.spreadsheets import UTF_8_MARK, csv_text
from mlmodels.label_names import class_of

AT_ONCE = 200
OF_PICTURE = ("picture", "filename", "uploaded", "status")
OF_LABEL = ("model", "version", "rank", "label", "label_ja", "confidence", "analyzed")

Batches = Iterator[list[Image]]


def batches(pictures: ImageQuerySet, filters: Filters) -> Batches:
    """Those of the pictures that the filters find, in their order, with results; two statements for each `AT_ONCE`."""
    order = Order(filters.sort)
    results = AnalysisResult.objects.order_by("model_name", "model_version", "rank")
    found = (
        order.sorted(filters.walked(pictures)).select_related("queue").prefetch_related(Prefetch("results", results))
    )
    rows = found
    while batch := list(filters.looked_at(rows)[:AT_ONCE]):
        yield batch
        rows = order.beyond(found, order.key_of(batch[-1].sorted_by, batch[-1].pk))  # type: ignore[attr-defined]


def as_csv(found: Batches) -> Iterator[str]:
    """One line for each label; one for a picture that has none."""
    yield UTF_8_MARK + csv_text([(*OF_PICTURE, *OF_LABEL)])
    for batch in found:
        yield csv_text(line for image in batch for line in _lines(image))


def _lines(image: Image) -> Iterator[tuple[Any, ...]]:
    own = (image.pk, image.filename, image.upload_date.isoformat(), image.display_status)
    labels = [_label_cells(result) for result in image.results.all()]
    for cells in labels or [("",) * len(OF_LABEL)]:
        yield (*own, *cells)


def _label_cells(result: AnalysisResult) -> tuple[Any, ...]:
    model = (result.model_name, result.model_version, result.rank)
    return (*model, result.label, _japanese(result), result.confidence, result.created_at.isoformat())


def as_json(found: Batches) -> Iterator[str]:
    """`{"images": [...]}`, each with its models as in the results of one picture."""
    yield '{"images": ['
    separator = "\n"
    for batch in found:
        yield separator + ",\n".join(_json(image) for image in batch)
        separator = ",\n"
    yield "\n]}\n"


def _json(image: Image) -> str:
    told = {
        "id": image.pk,
        "filename": image.filename,
        "uploaded": image.upload_date,
        "status": image.display_status,
        "url": image.get_absolute_url(),
        "models": [
            _model(*key, list(results))
            for key, results in groupby(
                image.results.all(), key=lambda result: (result.model_name, result.model_version)
            )
        ],
    }
    return json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False)


def _model(name: str, version: str, results: list[AnalysisResult]) -> dict[str, Any]:
    labels = [
        {
            "rank": result.rank,
            "label": result.label,
            "label_ja": _japanese(result) or None,
            "confidence": float(result.confidence),
        }
        for result in results
    ]
    return {"name": name, "version": version, "analyzed_at": results[0].created_at, "labels": labels}


def _japanese(result: AnalysisResult) -> str:
    known = class_of(result.label, result.model_name, result.model_version)
    return known.ja if known else ""


FORMATS: dict[str, tuple[str, Callable[[Batches], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
}
