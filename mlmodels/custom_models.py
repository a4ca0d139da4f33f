"""Models that staff add: a checkpoint for a known architecture, or a list of labels for the weights of CLIP."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from mlmodels import exams, model_files
from mlmodels.inference import catalogue
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.models import AddedModel, MLModel

CLIP_WEIGHTS = "clip:1.0.0"

logger = logging.getLogger(__name__)


def add_checkpoint(
    *,
    version: str,
    description: str,
    file: UploadedFile,
    is_safetensors: bool,
    architecture: str,
    labels: Sequence[str],
    preprocessing: Preprocessing | None,
    added_by: User,
) -> MLModel:
    """Store an inspected checkpoint and queue its exam; users are not offered the model yet.

    The file is on the storage before the rows exist; should the rows fail, it goes again. Raises IntegrityError when
    the version was taken meanwhile.
    """
    sha256 = model_files.sha256_of(file)
    with ExitStack() as undo:
        name = model_files.save_upload(file, version=version, sha256=sha256, is_safetensors=is_safetensors)
        undo.callback(_delete_unless_referred_to, name)
        model = _insert(
            MLModel(name=MLModel.Name.CUSTOM, version=version, description=description),
            AddedModel(
                architecture=architecture,
                labels=list(labels),
                preprocessing=asdict(preprocessing) if preprocessing else None,
                file=name,
                uploaded_name=file.name or "",
                sha256=sha256,
                size_bytes=file.size or 0,
                added_by=added_by,
            ),
        )
        undo.pop_all()
    logger.info("%s added %s: %s", added_by, model.key, trace_of(model))
    return model


def add_label_list(*, version: str, description: str, labels: Sequence[str], added_by: User) -> MLModel:
    """Make a version of CLIP that compares pictures with these labels, and queue its exam.

    Raises IntegrityError when the version was taken meanwhile.
    """
    model = _insert(
        MLModel(name=MLModel.Name.CLIP, version=version, description=description),
        AddedModel(base=CLIP_WEIGHTS, labels=list(labels), added_by=added_by),
    )
    logger.info("%s added %s: %s", added_by, model.key, trace_of(model))
    return model


def trace_of(model: MLModel) -> str:
    """What was added, for logs."""
    added = model.added
    if added.base:
        return f"{len(added.labels)} labels for {added.base}"
    return f"{added.uploaded_name!r}, {added.size_bytes} bytes, SHA-256 {added.sha256}"


@transaction.atomic
def _insert(model: MLModel, added: AddedModel) -> MLModel:
    model.is_active = False
    model.save(force_insert=True)
    added.model = model
    added.save(force_insert=True)
    exams.request(model)
    return model


def _delete_unless_referred_to(name: str) -> None:
    """An error may also come after the commit, and then the row needs its file."""
    if not AddedModel.objects.filter(file=name).exists():
        model_files.delete_stored(name)


def is_taken(name: str, version: str) -> bool:
    """Whether there is such a model, or the catalogue has one that would be meant instead."""
    return f"{name}:{version}" in catalogue.MODELS or MLModel.objects.filter(name=name, version=version).exists()
