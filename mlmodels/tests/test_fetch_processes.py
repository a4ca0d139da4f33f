"""Fetching by processes of their own: killed in the middle, and two of one file at once."""

import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT
from mlmodels.partial_file import exclusive
from mlmodels.tests.weights_server import Answer, WeightsServer, seeded_bytes

CONTENT = seeded_bytes(3_000_000)
DIGEST = sha256(CONTENT).hexdigest()
HALF_BYTES = len(CONTENT) // 2
SECONDS = 60

FETCH = """
import sys
from pathlib import Path
from mlmodels.download import Patience, download
from mlmodels.partial_file import FetchError, PartialFile, exclusive
url, target, digest, wait = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "wait"
say = lambda sentence: print(sentence, flush=True)
try:
    with exclusive(target, on_wait=(lambda: say("waiting")) if wait else None):
        if target.exists():
            say("here already")
        else:
            with PartialFile(target) as part:
                quiet = lambda done, total: None
                download(url, part, sha256=digest, on_progress=quiet, on_notice=say, patience=Patience())
                part.move_into_place()
except FetchError as error:
    sys.exit(error.code)
"""


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with WeightsServer() as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    return folder / "network.pth"


@pytest.fixture
def fetchers() -> Iterator[list[subprocess.Popen[str]]]:
    """The processes of one test; none outlives it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(fetchers: list[subprocess.Popen[str]], url: str, target: Path, *, wait: bool = True) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", FETCH, url, str(target), DIGEST, "wait" if wait else "refuse"]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    fetchers.append(process)
    return process


def finish(process: subprocess.Popen[str]) -> list[str]:
    """What it said, once it has ended well."""
    out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors
    return out.split("\n")[:-1]


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def assert_in_place(target: Path) -> None:
    assert target.read_bytes() == CONTENT
    assert {path.name for path in target.parent.iterdir()} == {"network.pth", "network.pth.sha256"}


def test_a_fetch_that_was_killed_is_continued_by_the_next_one(
    server: WeightsServer, target: Path, fetchers: list[subprocess.Popen[str]]
) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=HALF_BYTES)])
    part = target.with_name("network.pth.part")
    killed = start(fetchers, url, target)
    until(lambda: size_of(part) == HALF_BYTES, lambda: f"only {size_of(part)} bytes came", seconds=SECONDS)
    killed.kill()
    killed.wait()
    assert not target.exists()

    finish(start(fetchers, url, target))

    assert_in_place(target)
    assert server.asked_ranges == ["", f"bytes={HALF_BYTES}-"]
    assert server.requests[1].sent_bytes == len(CONTENT) - HALF_BYTES


def test_of_two_fetches_at_once_the_second_waits_and_finds_the_file(
    server: WeightsServer, target: Path, fetchers: list[subprocess.Popen[str]]
) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=HALF_BYTES)])
    first = start(fetchers, url, target)
    assert server.stalled.wait(SECONDS)
    second = start(fetchers, url, target)
    assert second.stdout is not None
    assert second.stdout.readline() == "waiting\n"
    server.release.set()

    assert finish(first) == []
    assert finish(second) == ["here already"]
    assert_in_place(target)
    assert len(server.requests) == 1


def test_who_does_not_want_to_wait_is_told_that_the_file_is_being_fetched(
    server: WeightsServer, target: Path, fetchers: list[subprocess.Popen[str]]
) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=HALF_BYTES)])
    first = start(fetchers, url, target)
    assert server.stalled.wait(SECONDS)
    _out, errors = start(fetchers, url, target, wait=False).communicate(timeout=SECONDS)
    assert errors == "busy\n"
    server.release.set()

    finish(first)
    assert_in_place(target)


def test_who_waited_for_a_fetch_that_was_killed_continues_it(
    server: WeightsServer, target: Path, fetchers: list[subprocess.Popen[str]]
) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=HALF_BYTES)])
    part = target.with_name("network.pth.part")
    first = start(fetchers, url, target)
    until(lambda: size_of(part) == HALF_BYTES, lambda: f"only {size_of(part)} bytes came", seconds=SECONDS)
    second = start(fetchers, url, target)
    assert second.stdout is not None
    assert second.stdout.readline() == "waiting\n"
    first.kill()

    finish(second)
    assert_in_place(target)
    assert server.requests[1].sent_bytes == len(CONTENT) - HALF_BYTES


def test_who_waited_is_as_alone_as_who_came_first(
    server: WeightsServer, target: Path, fetchers: list[subprocess.Popen[str]]
) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=HALF_BYTES)])
    with exclusive(target, on_wait=None):
        second = start(fetchers, url, target)
        assert second.stdout is not None
        assert second.stdout.readline() == "waiting\n"
    assert server.stalled.wait(SECONDS)
    _out, errors = start(fetchers, url, target, wait=False).communicate(timeout=SECONDS)
    assert errors == "busy\n"
    server.release.set()

    finish(second)
    assert_in_place(target)


def test_a_crowd_leaves_one_whole_file(
    server: WeightsServer, target: Path, fetchers: list[subprocess.Popen[str]]
) -> None:
    url = server.publish("a.pth", CONTENT)
    for process in [start(fetchers, url, target) for _ in range(6)]:
        finish(process)

    assert_in_place(target)
    assert len(server.requests) == 1


def test_a_disk_that_is_full_in_the_middle_is_said_in_one_word(
    server: WeightsServer, target: Path, fetchers: list[subprocess.Popen[str]]
) -> None:
    """A limit on the size of files stands in for the end of the disk: the kernel refuses the same write."""
    url = server.publish("a.pth", CONTENT)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({HALF_BYTES}, {HALF_BYTES}))\n"
    argv = [sys.executable, "-c", limit + FETCH, url, str(target), DIGEST, "wait"]
    refused = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)

    assert (refused.returncode, refused.stderr) == (1, "disk_full\n")
    assert not target.exists()
    finish(start(fetchers, url, target))
    assert_in_place(target)
    assert server.asked_ranges == ["", f"bytes={HALF_BYTES}-"]
