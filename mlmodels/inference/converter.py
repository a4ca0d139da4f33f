"""Has a process of its own convert a model: torch's libraries and what converting takes go with it.

A worker that converted by itself would hold three times the memory for the rest of its life.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.confinement import privileges
from mlmodels.inference.converted_models import ConvertedModels
from mlmodels.inference.errors import ConversionStoppedError, WeightsDamagedError
from mlmodels.inference.options import cpu_precisions
from mlmodels.inference.runtime import prepare_worker_process
from mlmodels.inference.weights import CheckedWeights

_ROOT = Path(__file__).parents[2]
# What it may know of this process: where libraries are, and no secret.
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR")
_LOGGED_BYTES = 2000
_DAMAGED = 65  # EX_DATAERR of <sysexits.h>


@dataclass(frozen=True, slots=True)
class Request:
    """Which network of which weights, and at which `place` in which `folder` of converted models it shall lie."""

    spec: ModelSpec
    weights: CheckedWeights
    folder: Path
    place: str
    threads: int | None

    def as_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def read(cls, file: IO[str]) -> Self:
        values: dict[str, Any] = json.load(file)
        weights = CheckedWeights(Path(values["weights"]["path"]), values["weights"]["sha256"])
        spec = catalogue.read_spec(values["spec"], weights.path)
        return cls(**{**values, "spec": spec, "weights": weights, "folder": Path(values["folder"])})


class Stop:
    """Whether this process may still wait for a conversion."""

    def __init__(self) -> None:
        self.is_asked_for = False
        self.process: subprocess.Popen[str] | None = None

    def ask(self, *_signal: object) -> None:
        """End the conversion that this process waits for, and have it begin none; a handler of a signal may do it."""
        self.is_asked_for = True
        if self.process:
            self.process.kill()

    @contextmanager
    def watching(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Wait for it inside of the block: whatever breaks that off, as Ctrl-C does, ends the process, too."""
        self.process = process
        if self.is_asked_for:  # while the process was started
            process.kill()
        try:
            yield
        finally:
            self.process = None
            process.kill()  # which does nothing once it has ended


stop = Stop()


def convert(request: Request) -> None:
    """Returns when the model lies in its place.

    Raises WeightsDamagedError, ConversionStoppedError after `stop.ask`, and OSError when it came to nothing.
    """
    if stop.is_asked_for:
        raise ConversionStoppedError
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", __name__],
            cwd=_ROOT,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        with process, stop.watching(process):
            answer, _nothing = process.communicate(request.as_json())
        log.seek(max(0, log.seek(0, os.SEEK_END) - _LOGGED_BYTES))
        said = log.read().decode(errors="replace").strip()
    if process.returncode == _DAMAGED:
        raise WeightsDamagedError(answer.strip())
    if process.returncode and stop.is_asked_for:
        ConvertedModels(request.folder).discard_drafts(process.pid)
        raise ConversionStoppedError
    if process.returncode:
        raise OSError(f"the process that converts ended with {process.returncode}: {said}")


def convert_here(request: Request) -> None:
    """The same in this process. Imports torch."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is fetched while pictures wait
    from mlmodels.inference import conversion, networks

    conversion.convert(
        request.spec,
        request.weights,
        networks.build(request.spec, request.weights, request.folder),
        precisions=cpu_precisions(),
        threads=request.threads,
        store=ConvertedModels(request.folder),
        place=request.place,
    )


def main() -> None:
    privileges.end_with_parent()
    request = Request.read(sys.stdin)
    prepare_worker_process(threads=request.threads or os.cpu_count() or 1)
    try:
        convert_here(request)
    except WeightsDamagedError as error:
        print(error)
        sys.exit(_DAMAGED)


if __name__ == "__main__":
    main()
