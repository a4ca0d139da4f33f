"""`manage.py start` from an empty data folder: what it refuses, what it serves, what it leaves behind."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.core.management.base import CommandError
from pytest_django import Settings

from imageanalysis import static_copies
from imageanalysis.management.commands import start
from imageanalysis.tests.application import Application
from imageanalysis.tests.processes import until


@pytest.fixture
def free_bind() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def own(tmp_path: Path, free_bind: str) -> Iterator[Application]:
    """One that may be stopped."""
    with Application(tmp_path, free_bind) as application:
        yield application


def test_it_serves_refuses_a_second_start_and_stops_cleanly(own: Application) -> None:
    assert own.answers()
    assert f"Open http://{own.bind} in a browser." in own.log
    assert " ready." in own.log
    assert "already runs on the data folder" in own.start_again()
    own.popen.send_signal(signal.SIGINT)
    assert own.popen.wait(180) == 0  # on a busy machine it converts its first model still, which it finishes
    assert own.log.endswith("Stopped.\n")
    own.nothing_left()


def test_static_files_are_compressed_and_kept_by_browsers_for_ever(application: Application) -> None:
    with httpx.Client(base_url=application.url, headers={"Accept-Encoding": "gzip"}) as client:
        page = client.get("/accounts/login/").text
        addresses = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page)
        answers = [client.get(address) for address in addresses]
        imported = {answer.url.join(name) for answer in answers for name in re.findall(r'from "(.+\.js)"', answer.text)}
        answers += [client.get(address) for address in imported]

    assert len(answers) > 3
    assert imported, "what a script imports is kept as well"
    for answer in answers:
        assert answer.status_code == 200, answer.url
        assert re.search(r"\.[0-9a-f]{12}\.(css|js)$", answer.url.path), "its name would not change with its content"
        assert "immutable" in answer.headers["Cache-Control"], answer.url
    assert any(answer.headers.get("Content-Encoding") == "gzip" for answer in answers)


def test_static_files_are_copied_again_only_when_one_has_changed(tmp_path: Path, settings: Settings) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "own.css").write_text("a {}")
    settings.STATICFILES_DIRS = [mine]
    copies = tmp_path / "copies"
    environment = static_copies.make(copies)
    made_from = copies / "made-from"
    first = made_from.stat().st_mtime_ns
    assert static_copies.make(copies) == environment
    assert made_from.stat().st_mtime_ns == first

    (mine / "own.css").write_text("a { color: red }")
    static_copies.make(copies)

    assert made_from.stat().st_mtime_ns > first


def test_static_files_that_cannot_be_copied_are_said_in_a_sentence(tmp_path: Path) -> None:
    in_the_way = tmp_path / "copies"
    in_the_way.write_text("a file")

    with pytest.raises(static_copies.CopiesError, match="could not be copied to"):
        static_copies.make(in_the_way / "below")


def test_what_crashes_comes_back_and_kill_9_leaves_nothing(own: Application) -> None:
    for server in ("gunicorn", "valkey-server", "redis-server"):
        for pid in leaders(own, server):
            os.kill(pid, signal.SIGKILL)
    until(lambda: "web was ended by SIGKILL" in own.log, "the end of the web server went unnoticed")
    until(own.answers, lambda: f"the web server did not come back:\n{own.log}")
    own.popen.kill()
    own.nothing_left()


def leaders(application: Application, program: str) -> set[int]:
    """The processes that run `program` as the start command's own children, not their forks."""
    return {
        pid
        for pid in application.processes
        if program in Path(f"/proc/{pid}/cmdline").read_text() and os.getsid(pid) == pid
    }


def test_one_data_folder_has_one_application(tmp_path: Path) -> None:
    lock = tmp_path / "start.lock"
    with (
        start.only_one_per_data_folder(lock),
        pytest.raises(CommandError, match="already runs on the data folder"),
        start.only_one_per_data_folder(lock),
    ):
        pass
    with start.only_one_per_data_folder(lock):
        pass


def test_a_taken_port_is_refused_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match=rf"Cannot listen on {bind}: .* BIND=127\.0\.0\.1:8001\."):
            start.refuse_a_taken_port(bind)


def test_a_free_port_is_accepted(free_bind: str) -> None:
    start.refuse_a_taken_port(free_bind)


@pytest.mark.parametrize(
    ("bind", "expected"),
    [("127.0.0.1:8000", ("127.0.0.1", 8000)), (":80", ("", 80)), ("[::1]:8001", ("::1", 8001))],
)
def test_bind_is_a_host_and_a_port(bind: str, expected: tuple[str, int]) -> None:
    assert start.host_and_port(bind) == expected


@pytest.mark.parametrize("bind", ["", "8000", "localhost", "localhost:http", "127.0.0.1:"])
def test_a_bind_that_is_none_is_explained(bind: str) -> None:
    with pytest.raises(CommandError, match=r"BIND must look like 127\.0\.0\.1:8000"):
        start.host_and_port(bind)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="Cannot make the folder"):
        start.make_folder(tmp_path / "file" / "data")
