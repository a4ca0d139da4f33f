"""What a process that changes its model again and again holds in memory."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import StoredWeights
from mlmodels.inference.engine import Engine, Options, needed_bytes
from mlmodels.inference.openvino_classifier import OpenVinoClassifier
from mlmodels.tests import seeded_weights

MIB = 1024**2
SECOND = "shufflenet_v2_x0_5"

# A budget of one byte keeps one model at a time.
A_WORKER = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import StoredWeights
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.runtime import prepare_worker_process

def resident_bytes():
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index("VmRSS:") + 1]) * 1024

prepare_worker_process(threads=1)
weights_dir, cache_dir, name = sys.argv[1:]
template = catalogue.find("mobilenet:1.0.0")
second = replace(template, version=name, architecture=name, weights=StoredWeights(f"{name}.pth"))
catalogue.MODELS[second.key] = second
options = Options(runtime="openvino", threads=1)
engine = Engine(Path(weights_dir), cache_dir=Path(cache_dir), options=options, memory_budget_bytes=1)
picture = np.zeros((3, 224, 224), dtype=np.float32)
held = []
for number in range(24):
    engine.load(["efficientnet:1.0.0", second.key][number % 2]).classify([picture] * 8)
    held.append(resident_bytes())
print(json.dumps(held), "torch" in sys.modules)
"""


@pytest.fixture
def two_models(
    converted: OpenVinoClassifier, cache_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The folders of weights and of converted models, with two small ones in them."""
    template = catalogue.find("mobilenet:1.0.0")
    second = replace(template, version=SECOND, architecture=SECOND, weights=StoredWeights(f"{SECOND}.pth"))
    monkeypatch.setitem(catalogue.MODELS, second.key, second)
    seeded_weights.seeded(second.key, tmp_path)
    # Not "auto": on a busy machine it may find the other runtime quicker.
    engine = Engine(tmp_path, cache_dir=cache_dir, options=Options(runtime="openvino"))
    assert isinstance(engine.load(second.key), OpenVinoClassifier)
    return [str(tmp_path), str(cache_dir)]


def test_twenty_changes_of_model_leave_a_process_as_large_as_it_was(two_models: list[str]) -> None:
    argv = [sys.executable, "-c", A_WORKER, *two_models, SECOND]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    held, _space, is_torch_there = answer.rpartition(" ")
    sizes = json.loads(held)

    assert is_torch_there == "False\n"
    warm, later = sizes[:4], sizes[4:]
    assert len(later) == 20
    assert max(later) < max(warm) + 32 * MIB


def test_a_model_counts_for_more_than_its_file() -> None:
    assert needed_bytes(0) > 0
    assert needed_bytes(528 * MIB) > 2 * 528 * MIB
