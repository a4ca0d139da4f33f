"""The pictures that queue entries belong to.

They are reached through our own foreign key: importing the app above us would close a circle.
"""

from collections.abc import Iterable
from typing import Any

from django.db import models

from analysis.models import AnalysisQueue


def _pictures() -> "models.QuerySet[Any]":
    model = AnalysisQueue.image.field.related_model
    return model._default_manager.all()


def file_paths(image_ids: Iterable[int]) -> dict[int, str]:
    """Where the originals of these pictures lie on the storage; deleted pictures are left out."""
    return dict(_pictures().filter(pk__in=list(image_ids)).values_list("pk", "file_path"))


def update(image_ids: Iterable[int], **fields: Any) -> None:
    """Set fields of these pictures; only the lifecycle calls it."""
    _pictures().filter(pk__in=list(image_ids)).update(**fields)
