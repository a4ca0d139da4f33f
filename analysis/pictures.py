"""The pictures that queue entries belong to.

They are reached through our own foreign key: importing the app above us would close a circle.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models

from analysis.models import AnalysisQueue

GONE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def _pictures() -> "models.QuerySet[Any]":
    model = AnalysisQueue.image.field.related_model
    return model._default_manager.all()


def file_paths(image_ids: Iterable[int]) -> dict[int, str]:
    """Where the originals of these pictures lie on the storage; deleted pictures are left out."""
    return dict(_pictures().filter(pk__in=list(image_ids)).values_list("pk", "file_path"))


def lost(image_ids: Iterable[int]) -> set[int]:
    """Those of these pictures whose originals are gone, which nobody can analyze again; one statement."""
    return {pk for pk, path in file_paths(image_ids).items() if is_gone(path)}


def is_gone(name: str) -> bool:
    """Whether the folder of pictures has lost a file. A bucket is not asked: that would hold up every page."""
    return not settings.IS_IN_BUCKET and is_missing(name)


def is_missing(name: str) -> bool:
    """Whether a folder or a bucket has lost a file; of a bucket it is fetched."""
    try:
        default_storage.open(name).close()
    except GONE:
        return True
    return False


def update(image_ids: Iterable[int], **fields: Any) -> None:
    """Set fields of these pictures; only the lifecycle calls it."""
    _pictures().filter(pk__in=list(image_ids)).update(**fields)
