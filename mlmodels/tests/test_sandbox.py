"""Real children enter the sandbox and then do what they must not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imageanalysis.tests.servers import ROOT
from mlmodels.inference.confinement import landlock, system_calls
from mlmodels.inference.confinement.sandbox import CONTROLS
from mlmodels.inference.exams import exam_folder

ENTER = """
import ctypes, json, mmap, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
from mlmodels.inference.confinement import sandbox
folder, closed = Path(sys.argv[1]), Path(sys.argv[2])
limits = sandbox.Limits(memory_bytes=300 * 2**20, address_bytes=2**32, file_bytes=2**20, cpu_seconds=60)
controls = sandbox.enter(sandbox.Bounds(folder, [], [closed], limits))
try:
    answer = {attempt}
except (OSError, MemoryError, RuntimeError, ValueError) as error:
    answer = type(error).__name__
print(json.dumps([controls, answer if isinstance(answer, (str, int, bool)) else str(answer)]))
"""

needs_linux = pytest.mark.skipif(
    not (system_calls.is_known_machine() and landlock.version()), reason="this kernel has no seccomp or no Landlock"
)


def tried(attempt: str, tmp_path: Path) -> tuple[list[str], Any]:
    """The controls that hold in a child, and what became of an expression there: its value or its error's name."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o777)
    closed.chmod(0o777)
    with exam_folder.made_in(tmp_path / "open") as folder:
        argv = [sys.executable, "-c", ENTER.replace("{attempt}", attempt), folder, closed]
        run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    controls, answer = json.loads(run.stdout.splitlines()[-1])
    return controls, answer


@needs_linux
def test_every_control_holds_here(tmp_path: Path) -> None:
    assert tried("True", tmp_path) == (list(CONTROLS), True)


@needs_linux
@pytest.mark.parametrize(
    ("attempt", "answer"),
    [
        ("socket.socket()", "PermissionError"),
        ("socket.socket(socket.AF_UNIX)", "PermissionError"),
        ("socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("socket.socketpair()", "PermissionError"),
        ("socket.getaddrinfo('example.org', 80)", "gaierror"),
        ("os.system('touch canary') == 0 or Path('canary').exists()", False),
        ("subprocess.run(['/bin/true'])", "PermissionError"),
        ("os.execv(sys.executable, [sys.executable])", "PermissionError"),
        ("os.fork()", "PermissionError"),
        ("(closed / 'canary').touch()", "PermissionError"),
        ("Path('/tmp/canary-of-the-sandbox').touch()", "PermissionError"),
        ("Path(sandbox.__file__).write_text('')", "PermissionError"),
        ("os.symlink('/etc', folder / 'etc') or os.listdir(folder / 'etc')", "PermissionError"),
        ("open('/etc/shadow').read()", "PermissionError"),
        ("open('imageanalysis/settings.py').read()", "PermissionError"),
        ("open(f'/proc/{os.getppid()}/environ').read()", "PermissionError"),
        ("os.kill(os.getppid(), signal.SIGTERM)", "PermissionError"),
        ("os.chmod('/tmp', 0o777)", "PermissionError"),
        ("len(bytearray(400 * 2**20))", "MemoryError"),
        ("mmap.mmap(-1, 2**32).close()", "OSError"),
        ("(folder / 'large').write_bytes(bytes(2 * 2**20))", "OSError"),
        ("resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))", "ValueError"),
        ("resource.setrlimit(resource.RLIMIT_CPU, (90, 90))", "ValueError"),
    ],
)
def test_what_is_not_allowed_fails(tmp_path: Path, attempt: str, answer: object) -> None:
    assert tried(attempt, tmp_path)[1] == answer


@needs_linux
@pytest.mark.parametrize(
    "attempt",
    [
        "(folder / 'own').write_bytes(b'x')",
        "len(bytearray(50 * 2**20)) > 0",
        "(threading.Thread(target=print), True)[1]",
        "len(Path('/proc/cpuinfo').read_text()) > 0",
        "__import__('numpy').ones(3).sum() == 3",
    ],
)
def test_what_an_exam_needs_works(tmp_path: Path, attempt: str) -> None:
    assert tried(attempt, tmp_path)[1] in (True, 1, "True")


def test_what_a_kernel_lacks_is_not_reported(tmp_path: Path) -> None:
    """Without Landlock, seccomp and namespaces, and without root's power to become another."""
    without = (
        "import mlmodels.inference.confinement.landlock as l, mlmodels.inference.confinement.system_calls as c\n"
        "import mlmodels.inference.confinement.sandbox as s\n"
        "l.restrict = lambda **_paths: False\n"
        "c.refuse = lambda: False\n"
        "s._leave_network = lambda: None\n"
    )
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o777)
    argv = [sys.executable, "-c", without + ENTER.replace("{attempt}", "True"), tmp_path, closed]
    run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)[0] == ["not root", "memory limit", "time limit"]
    assert list(closed.iterdir()) == []
