"""How exams end that do not pass: nothing is left behind, nothing lives on, and what is refused is not even begun."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT
from mlmodels.inference.catalogue import StoredWeights
from mlmodels.inference.confinement.sandbox import CONTROLS
from mlmodels.tests import custom_models, malicious_pickles
from mlmodels.tests.taken_exams import GIBIBYTE, Exam

IN_TIMM = "timm/test_resnet"


@pytest.fixture
def taking(tmp_path: Path) -> Exam:
    return Exam(tmp_path)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "x.pth"
    torch.save(custom_models.newborn(IN_TIMM).state_dict(), path)
    return path


def test_a_child_that_is_killed_has_failed_and_leaves_nothing(taking: Exam, checkpoint: Path) -> None:
    taking.on_progress = lambda step, percentage: os.kill(child(), signal.SIGKILL)
    report = taking.take(custom_models.spec(IN_TIMM), checkpoint)
    assert (report.passed, report.code, report.values) == (False, "died", {"status": -signal.SIGKILL})
    assert report.facts["controls"] == list(CONTROLS)
    assert list(taking.cache_dir.iterdir()) == []
    assert not taking.safetensors.exists()


def child() -> int:
    """The child that examines; servers of other tests may run beside it."""
    listed = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text(encoding="ascii")
    (examiner,) = (pid for pid in listed.split() if b"examiner" in Path(f"/proc/{pid}/cmdline").read_bytes())
    return int(examiner)


def test_a_child_that_takes_too_long_is_ended(taking: Exam, checkpoint: Path) -> None:
    report = taking.take(custom_models.spec(IN_TIMM), checkpoint, time_limit_seconds=0.5)
    assert (report.passed, report.code) == (False, "too_slow")
    assert list(taking.cache_dir.iterdir()) == []


def test_a_child_is_ended_when_its_exam_breaks_off(taking: Exam, checkpoint: Path) -> None:
    children = []

    def break_off(step: str, percentage: int) -> None:
        children.append(child())
        raise KeyboardInterrupt

    taking.on_progress = break_off
    with pytest.raises(KeyboardInterrupt):
        taking.take(custom_models.spec(IN_TIMM), checkpoint)
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


A_WORKER = """
import sys, threading
from pathlib import Path
from mlmodels.inference.exams import exam
from mlmodels.inference.catalogue import ModelSpec, StoredWeights
from mlmodels.inference.options import Options
folder = Path(sys.argv[1])
children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
spec = ModelSpec("custom", "1", "timm", "test_resnet", StoredWeights("x"), labels=("a", "b", "c", "d"))
exam.examine(
    spec, folder / "x.pth", safetensors=folder / "x.safetensors", cache_dir=folder / "converted", options=Options(),
    memory_limit_bytes=2**32, time_limit_seconds=300,
    on_progress=lambda step, percentage: print(children.read_text(), flush=True),
)
"""


def test_a_child_ends_with_the_worker_that_is_killed(taking: Exam, checkpoint: Path) -> None:
    argv = [sys.executable, "-c", A_WORKER, taking.folder]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        orphan = int(worker.stdout.readline())
        os.kill(orphan, signal.SIGSTOP)  # so that it cannot end by itself
        worker.kill()
    try:
        until(lambda: not command_of(orphan), "the child lives on", seconds=10)
    finally:
        with suppress(ProcessLookupError):
            os.kill(orphan, signal.SIGKILL)


def command_of(process: int) -> bytes:
    """Empty when it has ended, also when nobody has taken notice of that yet."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def test_whoever_asks_for_exams_loads_no_torch() -> None:
    program = (
        "import sys\n"
        "from mlmodels.inference import architectures\n"
        "from mlmodels.inference.checkpoints import checkpoint_files\n"
        "from mlmodels.inference.exams import exam\n"
        "print({'torch', 'torchvision', 'timm', 'openvino', 'safetensors', 'django'} & set(sys.modules))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_a_model_larger_than_the_memory_is_refused_before_anything_is_loaded(taking: Exam, checkpoint: Path) -> None:
    report = taking.take(custom_models.spec(IN_TIMM), checkpoint, memory_limit_bytes=GIBIBYTE)
    assert (report.passed, report.code, report.values["limit_bytes"]) == (False, "too_large", GIBIBYTE)
    assert report.values["needed_bytes"] > GIBIBYTE
    assert taking.steps == []


def test_a_malicious_checkpoint_never_reaches_a_child(taking: Exam, checkpoint: Path) -> None:
    canary = taking.folder / "canary"
    payload = malicious_pickles.payloads(str(canary))["posix.system, protocol 2"]
    checkpoint.write_bytes(malicious_pickles.in_zip(payload))
    report = taking.take(custom_models.spec(IN_TIMM), checkpoint)
    assert (report.passed, report.code, report.values) == (False, "holds_code", {"name": "posix system"})
    assert (taking.steps, canary.exists()) == ([], False)


@pytest.mark.parametrize("name", ["../../x", "os.system", "resnet50 ", "fcn_resnet50", "https://example.org/x"])
def test_a_name_that_is_not_listed_is_not_looked_for(taking: Exam, checkpoint: Path, name: str) -> None:
    spec = replace(custom_models.spec(IN_TIMM), architecture=name, weights=StoredWeights("x"))
    report = taking.take(spec, checkpoint)
    assert (report.code, report.values, taking.steps) == ("unknown_architecture", {"architecture": name}, [])
