"""A process of its own converts; what becomes of it, and of whoever waits for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imageanalysis.tests.processes import until
from mlmodels.inference import catalogue, converter
from mlmodels.inference.converted_models import ConvertedModels
from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.inference.weights import CheckedWeights, checked

LITE0 = catalogue.find("efficientnet:1.0.0")

A_WORKER = """
import sys
from pathlib import Path
from mlmodels.inference.engine import Engine
classifier = Engine(Path("."), cache_dir=Path(sys.argv[1])).load("efficientnet:1.0.0")
print(classifier.execution.runtime, "torch" in sys.modules, "libtorch" in Path("/proc/self/maps").read_text())
"""
WAITS_FOR_IT = """
import sys
from pathlib import Path
from mlmodels.inference import converter
from mlmodels.tests.test_converter import request_for
converter.convert(request_for(Path(sys.argv[1])))
"""
STOPS_WAITING = """
import signal
import sys
from pathlib import Path
from mlmodels.inference import converter
from mlmodels.inference.errors import ConversionStoppedError
from mlmodels.tests.test_converter import request_for
signal.signal(signal.SIGUSR2, converter.stop.ask)
for _ in range(2):
    try:
        converter.convert(request_for(Path(sys.argv[1])))
    except ConversionStoppedError:
        print("stopped")
"""


def request_for(folder: Path) -> converter.Request:
    path = catalogue.weights_path(LITE0, folder)
    assert path
    return converter.Request(LITE0, checked(LITE0.weights, path), folder, "here", threads=1)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_that_was_first_holds_no_torch_afterwards(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", A_WORKER, str(tmp_path)]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True)

    assert answer.stdout.split() == ["openvino", "False", "False"]


def test_weights_that_are_none_are_told_by_name(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pth"
    nonsense.write_bytes(b"nonsense")
    request = converter.Request(LITE0, CheckedWeights(nonsense, "0" * 64), tmp_path, "here", threads=1)

    with pytest.raises(WeightsDamagedError, match=r"nonsense\.pth"):
        converter.convert(request)
    assert ConvertedModels(tmp_path).find("here") is None


def test_what_cannot_be_stored_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.touch()

    with pytest.raises(OSError, match="FileExistsError"):
        converter.convert(converter.Request(LITE0, request_for(tmp_path).weights, folder, "here", threads=1))


def test_whoever_is_to_stop_waits_for_it_no_longer_and_nothing_is_left_half_written(tmp_path: Path) -> None:
    folder = tmp_path / "converted"
    argv = [sys.executable, "-c", STOPS_WAITING, str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as worker:
        until(lambda: bool(list(folder.glob("draft-*"))), "it writes nothing")
        worker.send_signal(signal.SIGUSR2)
        said, _nothing = worker.communicate()

    assert said.split() == ["stopped", "stopped"]
    assert list(folder.iterdir()) == []


def test_it_ends_with_a_wait_that_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[str]] = []

    def broken_off(process: subprocess.Popen[str], _input: str) -> None:
        begun.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", broken_off)
    with pytest.raises(KeyboardInterrupt):
        converter.convert(request_for(tmp_path))

    until(lambda: begun[0].poll() is not None, "it lives on")
    assert begun[0].returncode == -signal.SIGKILL


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel of Linux ends a process with its parent")
def test_it_ends_with_whoever_waits_for_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS_FOR_IT, str(tmp_path)]) as worker:
        until(lambda: bool(children_of(worker.pid)), lambda: "it starts no process")
        (child,) = children_of(worker.pid)
        until(lambda: "libtorch" in Path(f"/proc/{child}/maps").read_text(), lambda: "it loads no torch")
        worker.send_signal(signal.SIGKILL)

    until(lambda: not is_alive(child), lambda: "it lives on")
    assert ConvertedModels(tmp_path).find("here") is None


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
