"""The supervisor with real processes: shell one-liners stand for the web server and the worker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imageanalysis.console import LINE_LIMIT_BYTES, LineCutter
from imageanalysis.supervisor import BackOff
from imageanalysis.tests.processes import processes_with, until

MARK = "SUPERVISOR_TEST"
SCRIPT = """
import json, signal, sys
from pathlib import Path

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests under nohup has made children deaf to it
from imageanalysis.console import Console
from imageanalysis.supervisor import BackOff, Service, Supervisor

services = [Service(**service) for service in json.loads(sys.argv[1])]
console = Console(1, [service.name for service in services])
Supervisor(
    services, console, directory=Path.cwd(), on_ready=lambda: console.say("everything is ready"),
    backoff=lambda: BackOff(first_seconds=0.05, limit_seconds=0.2), ready_within_seconds=float(sys.argv[2]),
).run()
"""
STAY = "while :; do sleep 0.05; done"


class Run:
    """A supervisor in a process of its own, its log, and every process that descends from it."""

    def __init__(self, folder: Path, services: list[dict[str, Any]], ready_within_seconds: float) -> None:
        self.mark = str(folder)
        self.log_file = folder / "log"
        with self.log_file.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, json.dumps(services), str(ready_within_seconds)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, MARK: self.mark},
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    @property
    def descendants(self) -> set[int]:
        return processes_with(MARK, self.mark) - {self.popen.pid}

    def logged(self, text: str) -> None:
        until(lambda: text in self.log, lambda: f"{text!r} was never logged:\n{self.log}")

    def ended(self) -> int:
        until(lambda: self.popen.poll() is not None, lambda: f"the supervisor did not stop:\n{self.log}")
        return self.popen.returncode

    def nothing_left(self) -> None:
        until(lambda: not self.descendants, lambda: f"left behind: {self.descendants}")

    def clear_away(self) -> None:
        self.popen.kill()
        self.popen.wait()
        for pid in self.descendants:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(*services: dict[str, Any], ready_within_seconds: float = 60) -> Run:
        runs.append(Run(tmp_path, list(services), ready_within_seconds))
        return runs[-1]

    yield start
    for run in runs:
        run.clear_away()


def shell(name: str, command: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "argv": ["sh", "-c", command], **options}


def python(name: str, program: str) -> dict[str, Any]:
    return {"name": name, "argv": [sys.executable, "-c", program]}


def test_every_log_line_carries_the_name_of_its_service(supervise: Callable[..., Run]) -> None:
    run = supervise(
        shell("web", f"echo hello; echo trouble >&2; {STAY}"), shell("worker", f"printf 'a\\nb\\n'; {STAY}")
    )
    for line in ("web    | hello\n", "web    | trouble\n", "worker | a\nworker | b\n"):
        run.logged(line)


def test_a_muted_line_is_left_out(supervise: Callable[..., Run]) -> None:
    run = supervise(shell("broker", f"echo 'never mind this'; echo but this; {STAY}", muted="never mind"))
    run.logged("broker | but this")
    assert "never mind" not in run.log


def test_it_announces_once_that_everything_is_ready(supervise: Callable[..., Run]) -> None:
    run = supervise(shell("web", STAY), shell("worker", f"echo 'worker ready.'; {STAY}", ready_line="ready."))
    run.logged("everything is ready\n")
    assert run.log.index("worker ready.") < run.log.index("everything is ready")


def test_it_says_who_is_late(supervise: Callable[..., Run]) -> None:
    run = supervise(shell("web", STAY), shell("worker", STAY, ready_line="ready."), ready_within_seconds=0.2)
    run.logged("Not ready yet: worker.")


def test_a_service_waits_for_the_one_it_needs(supervise: Callable[..., Run], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    broker = shell("broker", f"until [ -e {gate} ]; do sleep 0.02; done; echo opened; {STAY}", ready_line="opened")
    run = supervise(shell("web", f"echo started; {STAY}", after=["broker"]), broker)
    until(lambda: len(run.descendants) >= 1, "the broker was not started")
    assert "started" not in run.log
    gate.touch()
    run.logged("web    | started")
    assert run.log.index("broker | opened") < run.log.index("web    | started")


def test_services_stop_before_the_ones_they_need(supervise: Callable[..., Run]) -> None:
    farewell = "trap 'echo bye; exit 0' TERM; echo up; " + STAY
    run = supervise(shell("broker", farewell), shell("web", farewell, after=["broker"]))
    run.logged("web    | up")
    run.popen.terminate()
    assert run.ended() == 0
    assert run.log.index("web    | bye") < run.log.index("broker | bye")


def test_a_crashing_service_is_started_again_after_growing_delays(supervise: Callable[..., Run]) -> None:
    run = supervise(shell("worker", "exit 3"))
    for delay in ("0.05", "0.1", "0.2", "0.2"):
        run.logged(f"start  | worker ended with exit code 3; it starts again in {delay} s.")


def test_a_killed_service_takes_its_children_along_and_comes_back(supervise: Callable[..., Run]) -> None:
    run = supervise(shell("worker", "sleep 1000 & echo child $!; kill -9 $$"))
    run.logged("worker was ended by SIGKILL")
    first_child = int(run.log.split("child ")[1].split()[0])
    until(lambda: first_child not in run.descendants, "the first run's child still lives")
    until(lambda: run.log.count("child ") >= 2, lambda: f"it did not come back:\n{run.log}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_exits_with_0(supervise: Callable[..., Run], number: signal.Signals) -> None:
    run = supervise(shell("web", f"echo up; {STAY}"), shell("worker", "sleep 1000 & echo up; wait"))
    run.logged("worker | up")
    run.logged("web    | up")
    run.popen.send_signal(number)
    assert run.ended() == 0
    run.nothing_left()


def test_a_service_that_ignores_the_request_is_killed_after_its_grace(supervise: Callable[..., Run]) -> None:
    run = supervise(shell("worker", f"trap '' TERM; echo up; {STAY}", stop_grace_seconds=0.2))
    run.logged("worker | up")
    run.popen.terminate()
    assert run.ended() == 0
    assert "worker did not stop within 0.2 s and is killed." in run.log
    run.nothing_left()


def test_a_second_signal_stops_at_once(supervise: Callable[..., Run]) -> None:
    run = supervise(shell("worker", f"trap '' TERM; echo up; {STAY}", stop_grace_seconds=600))
    run.logged("worker | up")
    run.popen.send_signal(signal.SIGINT)
    run.logged("Ctrl-C again stops at once")
    run.popen.send_signal(signal.SIGINT)
    assert run.ended() == 0
    run.nothing_left()


def test_kill_9_of_the_supervisor_leaves_neither_children_nor_grandchildren(
    supervise: Callable[..., Run],
) -> None:
    pool = """
import os, signal
from imageanalysis.supervisor import die_with_parent
parent_pid = os.getpid()
if os.fork() == 0:
    die_with_parent(parent_pid)
    print("grandchild bound", flush=True)
signal.pause()
"""
    run = supervise(shell("web", f"trap '' TERM; echo up; {STAY}"), python("worker", pool))
    run.logged("web    | up")
    run.logged("worker | grandchild bound")
    run.popen.kill()
    run.nothing_left()


def test_a_program_that_is_missing_is_named(supervise: Callable[..., Run]) -> None:
    run = supervise({"name": "broker", "argv": ["no-such-server"]})
    run.logged("broker | Cannot run no-such-server: No such file or directory.")


def test_it_stops_when_nobody_reads_its_log_any_more(supervise: Callable[..., Run], tmp_path: Path) -> None:
    services = [shell("web", "while :; do echo line; sleep 0.02; done")]
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(services), "60"],
        stdout=subprocess.PIPE,
        env={**os.environ, MARK: str(tmp_path)},
    ) as popen:
        assert popen.stdout
        popen.stdout.readline()
        popen.stdout.close()
        assert popen.wait(30) == 0
    until(lambda: not processes_with(MARK, str(tmp_path)), "processes were left behind")


def test_delays_double_up_to_a_limit_and_a_long_life_starts_anew() -> None:
    backoff = BackOff()
    assert [backoff.delay_seconds(lived_seconds=1) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert [backoff.delay_seconds(lived_seconds=seconds) for seconds in (60, 1)] == [1, 2]


def test_lines_are_cut_where_they_end_however_the_bytes_arrive() -> None:
    cutter = LineCutter()
    assert cutter.feed(b"one\ntw") == ["one"]
    assert cutter.feed(b"o\r\nrest") == ["two"]
    assert cutter.finish() == ["rest"]
    assert cutter.finish() == []


def test_an_endless_line_is_passed_on_in_pieces() -> None:
    cutter = LineCutter()
    pieces = [piece for _ in range(100) for piece in cutter.feed(b"x" * 1000)]
    assert "".join([*pieces, *cutter.finish()]) == "x" * 100_000
    assert max(map(len, pieces)) <= LINE_LIMIT_BYTES + 1000


def test_bytes_that_are_no_text_cannot_command_the_terminal() -> None:
    assert LineCutter().feed(b"\xff\x1b[2J\tok\n") == ["\ufffd\ufffd[2J\tok"]
