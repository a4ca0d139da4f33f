"""The one folder that the child of an exam writes to, and what is taken over from it once the child has ended."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlmodels.inference import converted_models
from mlmodels.inference.checkpoints import checkpoint_files
from mlmodels.inference.confinement.privileges import NOBODY
from mlmodels.inference.converted_models import ConvertedModels, Record
from mlmodels.inference.errors import CheckpointError
from mlmodels.inference.exams.exam_messages import Request
from mlmodels.inference.options import cpu_precisions

_PREFIX = "exam-"
_EMBEDDED_LABELS = re.compile(r"labels-[0-9a-f]{32}\.npy")


@contextmanager
def made_in(cache_dir: Path) -> Iterator[Path]:
    """An empty folder that belongs to whom the child becomes, with another one for its cache; gone afterwards."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    converted_models.forget_left_behind(cache_dir, _PREFIX)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=cache_dir.resolve(), ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "cache").mkdir()
        if os.geteuid() == 0:
            for each in (folder / "cache", folder):
                os.chown(each, NOBODY, NOBODY)
        yield folder


def lend_converted(request: Request, weights_sha256: str) -> None:
    """Let the child see what was made of these weights before: the converted model and embedded labels."""
    place = _place(request, weights_sha256)
    lent = [path for path in request.cache_dir.iterdir() if _EMBEDDED_LABELS.fullmatch(path.name)]
    if ConvertedModels(request.cache_dir).find(place):
        lent.append(request.cache_dir / place)
    for path in lent:
        (request.cache / path.name).symlink_to(path)


def take_converted_checkpoint(request: Request, target: Path) -> None:
    """Raises CheckpointError unless it is one. What the child wrote is copied: files of its own it could change."""
    if not _is_the_childs_own(request, request.converted):
        raise CheckpointError("damaged", detail="the converted checkpoint is missing")
    with request.converted.open("rb") as file:
        if checkpoint_files.inspect(file) != "safetensors":
            raise CheckpointError("damaged", detail="the converted checkpoint is no safetensors")
    _copy(request.converted, target)


def take_converted_model(request: Request, weights_sha256: str) -> None:
    """Put the converted model and embedded labels that the child made where loading looks for them."""
    for path in request.cache.glob("labels-*.npy"):
        target = request.cache_dir / path.name
        if _EMBEDDED_LABELS.fullmatch(path.name) and _is_the_childs_own(request, path) and not target.exists():
            _copy(path, target)
    place = _place(request, weights_sha256)
    made = request.cache / place
    record = ConvertedModels(request.cache).find(place)
    if record is None or not _is_for(record, request, weights_sha256):
        return
    if all(_is_the_childs_own(request, made / name) for name in ("record.json", *record.files)):
        store = ConvertedModels(request.cache_dir)
        with store.draft() as draft:
            for name in record.files:
                shutil.copyfile(made / name, draft / name)
            store.store(place, draft, record)


def _is_for(record: Record, request: Request, weights_sha256: str) -> bool:
    spec = request.spec
    is_labelled = isinstance(spec.labels, str) or tuple(record.labels) == spec.labels
    is_prepared = spec.preprocessing in (None, record.preprocessing)
    return (record.model, record.weights_sha256) == (spec.key, weights_sha256) and is_labelled and is_prepared


def _place(request: Request, weights_sha256: str) -> str:
    return converted_models.place(request.spec, weights_sha256, cpu_precisions())


def _is_the_childs_own(request: Request, path: Path) -> bool:
    """A plain file that lies where it seems to: no link on the way leads out of the child's folder."""
    return path.is_file() and path.resolve() == path and path.is_relative_to(request.folder)


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all, as a file of this process's user."""
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            with source.open("rb") as content:
                shutil.copyfileobj(content, file, 2**20)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
