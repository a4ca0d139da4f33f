"""The folder of converted models: each in a folder of its own, written as a whole or not at all."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mlmodels.inference.agreement import Agreement
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.choice import Trial
from mlmodels.inference.preprocessing import Preprocessing

# Raised when what is written here changes its meaning.
_FORMAT = 2
# A conversion follows from these; their metadata tells the version without importing them.
_PACKAGES = ("openvino", "torch", "torchvision", "timm", "open_clip_torch")
_MODEL, _RECORD = "model.xml", "record.json"
_FILES = (_MODEL, "model.bin")
_DRAFT = "draft-"
# No conversion and no exam takes so long: its process was killed.
_FORGOTTEN_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Record:
    """How a model was tried on this machine, and all that running it takes beside the converted network itself.

    `trials` hold the reference, too. Where no converted network was sound there is none, and no `files`.
    """

    model: str
    weights_sha256: str
    trials: Sequence[Trial]
    preprocessing: Preprocessing
    labels: Sequence[str]
    files: dict[str, str]  # name -> SHA-256


@dataclass(frozen=True, slots=True)
class ConvertedModels:
    folder: Path

    def find(self, place: str) -> Record | None:
        """The record at this place; None when there is none, or not all of it as it was written."""
        try:
            record = _record(json.loads((self.folder / place / _RECORD).read_text(encoding="utf-8")))
            whole = all(_sha256(self.folder / place / name) == digest for name, digest in record.files.items())
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return record if whole else None

    def network_path(self, place: str) -> Path:
        return self.folder / place / _MODEL

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process converts, the others wait and find what it made. The lock goes with its holder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "converting.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """An empty folder beside the others, gone afterwards unless it was stored."""
        self.folder.mkdir(parents=True, exist_ok=True)
        forget_left_behind(self.folder, _DRAFT)
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=_draft_prefix(os.getpid())))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def discard_drafts(self, pid: int) -> None:
        """Remove what that process was killed over."""
        for folder in self.folder.glob(f"{_draft_prefix(pid)}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def store(self, place: str, draft: Path, record: Record) -> None:
        """Put a draft in its place, and let go of what the same model left behind elsewhere."""
        (draft / _RECORD).write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        shutil.rmtree(self.folder / place, ignore_errors=True)
        draft.rename(self.folder / place)
        for outdated in self._places_of_model(place):
            if outdated.name != place:
                shutil.rmtree(outdated, ignore_errors=True)

    def _places_of_model(self, place: str) -> list[Path]:
        name = re.compile(re.escape(place.rpartition("-")[0]) + r"-[0-9a-f]{16}")
        return [path for path in self.folder.iterdir() if path.is_dir() and name.fullmatch(path.name)]


def place(spec: ModelSpec, weights_sha256: str, precisions: Sequence[str]) -> str:
    """The name of the folder for all that a conversion depends on; `precisions` are those that the CPU can do."""
    versions = {package: _version(package) for package in _PACKAGES}
    described = asdict(spec)
    del described["weights"]  # their digest says it all, and a file may get another name
    depends_on = [_FORMAT, described, weights_sha256, precisions, versions]
    digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()
    return f"{spec.name}-{spec.version}-{digest[:16]}"


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a converted network."""
    return {name: _sha256(folder / name) for name in _FILES}


def forget_left_behind(folder: Path, prefix: str) -> None:
    """Remove folders in which processes were at work that were killed."""
    for path in folder.glob(f"{prefix}*"):
        if time.time() - path.lstat().st_mtime > _FORGOTTEN_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _draft_prefix(pid: int) -> str:
    return f"{_DRAFT}{pid}-"


def discard_network(folder: Path) -> None:
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _record(written: dict[str, Any]) -> Record:
    values = {field.name: written[field.name] for field in fields(Record)}
    values["trials"] = [Trial(**{**trial, "agreement": Agreement(**trial["agreement"])}) for trial in written["trials"]]
    scale = {name: tuple(written["preprocessing"][name]) for name in ("mean", "std")}
    values["preprocessing"] = Preprocessing(**{**written["preprocessing"], **scale})
    return Record(**values)
