"""A model's weights go bad while its pictures wait: these fail at once with a sentence, other models go on."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from benchmarks.faults.harness import Figures, Ground
from mlmodels.inference import catalogue
from mlmodels.inference.weights import StoredWeights, checksum_path
from mlmodels.models import MLModel

KEY = "mobilenet:1.0.0"
SIZE_BYTES = 200_000


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1000]),
    "one bit flipped": flip_a_bit,
    "empty": lambda path: path.write_bytes(b""),
    "swapped for another file": lambda path: path.write_bytes(path.read_bytes()[::-1]),
}


def run(ground: Ground) -> Figures:
    crew = ground.workers()
    crew.exit_codes.clear()
    spec = catalogue.find(KEY)
    assert isinstance(spec.weights, StoredWeights)
    path = Path(settings.WEIGHTS_DIR) / spec.weights.file
    path.parent.mkdir(parents=True, exist_ok=True)
    broken = []
    for name, damage in DAMAGES.items():
        write(path)
        other, ground.model = ground.model, MLModel.objects.get(name=spec.name, version=spec.version)
        with ground.paused():
            bad = ground.submit(2)
            ground.model = other
            ground.submit(2)
            damage(path)
        ground.wait_until_ended()
        broken += [f"{name}: {complaint}" for complaint in complaints(bad)]
    path.unlink(missing_ok=True)
    return {
        "damages": len(DAMAGES),
        "workers ended": len(crew.exit_codes),
        "sentences": AnalysisQueue.objects.exclude(error_message=None).values("error_message").distinct().count(),
        "broken": broken,
    }


def write(path: Path) -> None:
    content = hashlib.sha256(b"weights").digest() * (SIZE_BYTES // 32)
    path.write_bytes(content)
    checksum_path(path).write_text(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n", encoding="ascii")


def complaints(bad: list[int]) -> list[str]:
    """What is not as it should be: each bad picture failed at once, saying why, and every other one is done."""
    entries = AnalysisQueue.objects.filter(image_id__in=bad)
    as_wanted = entries.filter(status=QueueStatus.FAILED, retry_count=0, error_message__contains="weights")
    return [
        f"picture {entry.image_id} is {entry.status} after {entry.retry_count} retries: {entry.error_message}"
        for entry in entries.exclude(pk__in=as_wanted)
    ]
