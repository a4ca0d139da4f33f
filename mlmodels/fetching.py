"""Weights on this machine: which are here, and getting the others from upstream or from a folder."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from mlmodels.download import CHUNK_BYTES, OnNotice, OnProgress, Patience, download
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, PackagedWeights, StoredWeights
from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.inference.weights import checked, checksum_path, digits_in_name
from mlmodels.partial_file import FetchError, Origin, PartialFile, exclusive, record_sha256, refused_by_disk

__all__ = ["Condition", "FetchError", "State", "fetch", "look_at", "take_from", "unfinished_bytes"]


DEFAULT_PATIENCE = Patience()


def _keep_quiet(sentence: str) -> None:
    """For callers that show no notices."""


def _go_on() -> None:
    """For callers that do not care when it begins."""


class State(StrEnum):
    READY = "ready"
    MISSING = "weights missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Condition:
    """What lies on this machine of one model's weights; `size_bytes` counts an unfinished download, too."""

    state: State
    size_bytes: int


def look_at(spec: ModelSpec) -> Condition:
    """Reads the whole file to compare its SHA-256 (about a second for a gigabyte)."""
    path = catalogue.weights_path(spec, settings.WEIGHTS_DIR)
    if path is None:
        return Condition(State.MISSING, unfinished_bytes(spec))
    return Condition(State.DAMAGED if _sha256_of_sound(spec) is None else State.READY, path.stat().st_size)


def fetch(
    spec: ModelSpec,
    *,
    on_progress: OnProgress,
    on_notice: OnNotice = _keep_quiet,
    on_begin: Callable[[], None] = _go_on,
    wait: bool = True,
    address: str = "",
    sha256: str = "",
    patience: Patience = DEFAULT_PATIENCE,
) -> Path:
    """Bring the weights of `spec` from upstream into the weights folder, checked; where they lie.

    Weights that are here already and whole are left alone; an unfinished download is continued, also one
    that another process began. While another process fetches the same file this one waits, or with
    `wait=False` raises FetchError "busy"; `on_begin` is called once it is alone. `address` and `sha256` (all
    digits or the first ones) stand in for upstream's. Raises FetchError with a sentence for people.
    """
    target = _target(spec)
    with _alone(target, on_notice, wait=wait):
        on_begin()
        if not _is_here(spec, target, sha256):
            with PartialFile(target) as part:
                download(
                    address or _upstream_address(spec),
                    part,
                    sha256=sha256 or digits_in_name(target),
                    on_progress=on_progress,
                    on_notice=on_notice,
                    patience=patience,
                )
                part.check(digits_in_name(target))
                part.move_into_place()
    return target


def take_from(
    spec: ModelSpec, folder: Path, *, on_progress: OnProgress, on_notice: OnNotice = _keep_quiet, wait: bool = True
) -> Path:
    """Copy the weights of `spec` out of a folder, checked as if they were downloaded; where they lie now.

    The folder is another machine's weights folder, a folder of downloads, torch's cache or the Hugging Face
    hub's. Raises FetchError.
    """
    target = _target(spec)
    source = find_in(folder, spec)
    if source is None:
        raise FetchError("not_in_folder", f"{folder} does not hold {target.name}.")
    sha256 = _sha256_beside(source) or digits_in_name(target)
    if not sha256:
        raise FetchError("unverifiable", f"{source} cannot be checked: copy {checksum_path(source).name} beside it.")
    with _alone(target, on_notice, wait=wait):
        if not _is_here(spec, target, sha256):
            with PartialFile(target) as part:
                _copy(source, part, on_progress)
                part.check(sha256, digits_in_name(target))
                part.move_into_place()
    return target


def find_in(folder: Path, spec: ModelSpec) -> Path | None:
    """The file in a folder that holds the weights of `spec`: under our name, upstream's, or in a hub's cache."""
    return next((path for path in _candidates(folder, spec) if path.is_file()), None)


def _candidates(folder: Path, spec: ModelSpec) -> Iterator[Path]:
    yield folder / spec.weights.file
    if spec.pretrained is None:
        return
    address = urlsplit(_upstream_address(spec)).path
    yield folder / Path(address).name
    in_hub = re.fullmatch(r"/(.+)/resolve/[^/]+/(.+)", address)
    if in_hub:
        repository = f"models--{in_hub[1].replace('/', '--')}"
        for cache in (folder, folder / "hub"):
            yield from sorted(cache.glob(f"{repository}/snapshots/*/{in_hub[2]}"))


def _upstream_address(spec: ModelSpec) -> str:
    # Brings torch: neither the web process nor the parent of workers may import it, and both import this module.
    address: str | None = import_module("mlmodels.inference.upstream").address(spec)
    if address is None:
        raise FetchError("uploaded", f"The weights of {spec.key} are uploaded by staff, not fetched.")
    return address


def _target(spec: ModelSpec) -> Path:
    if isinstance(spec.weights, PackagedWeights):
        raise FetchError("packaged", f"The weights of {spec.key} come with the Python package {spec.weights.package}.")
    target: Path = settings.WEIGHTS_DIR / spec.weights.file
    return target


@contextmanager
def _alone(target: Path, on_notice: OnNotice, *, wait: bool) -> Iterator[None]:
    with refused_by_disk(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    sentence = f"Waiting for another process that fetches {target.name}."
    with exclusive(target, on_wait=(lambda: on_notice(sentence)) if wait else None):
        yield


def _is_here(spec: ModelSpec, target: Path, sha256: str) -> bool:
    """Whether the whole weights lie here already; if somebody copied them by hand, their digest is written down."""
    found = _sha256_of_sound(spec)
    if found is None or not found.startswith(sha256):
        return False
    if not checksum_path(target).exists():
        with refused_by_disk(target):
            record_sha256(target, found)
    return True


def _sha256_of_sound(spec: ModelSpec) -> str | None:
    """The digest of the weights that lie here, None when they are missing, damaged or others than their name says."""
    path = catalogue.weights_path(spec, settings.WEIGHTS_DIR)
    try:
        found = checked(spec.weights, path).sha256 if path else ""
    except (WeightsDamagedError, OSError):
        return None
    return found if path and found.startswith(digits_in_name(path)) else None


def _sha256_beside(source: Path) -> str:
    """What the folder says: a `.sha256` beside the file, digits in its name, or the bytes' name in a hub's cache."""
    of_bytes = source.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", of_bytes):
        return of_bytes
    try:
        return StoredWeights(source.name).expected_sha256(source)
    except (WeightsDamagedError, OSError) as error:
        raise FetchError("unverifiable", f"{checksum_path(source)} holds no SHA-256.") from error


def _copy(source: Path, part: PartialFile, on_progress: OnProgress) -> None:
    try:
        with source.open("rb") as file:
            total_bytes = source.stat().st_size
            part.start_anew(Origin())
            part.reserve(total_bytes)
            while chunk := file.read(CHUNK_BYTES):
                part.append(chunk)
                on_progress(part.size_bytes, total_bytes)
    except OSError as error:
        raise FetchError("unreadable", f"{source} cannot be read: {error.strerror or error}.") from error


def unfinished_bytes(spec: ModelSpec) -> int:
    """What an interrupted download has left here, to be gone on from."""
    if isinstance(spec.weights, PackagedWeights):
        return 0
    try:
        return PartialFile(_target(spec)).path.stat().st_size
    except FileNotFoundError:
        return 0
