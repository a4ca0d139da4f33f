"""Decoders are real processes here, confined as ever, that crash, spin and hoard in earnest."""

import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT
from mlmodels.inference import pictures
from mlmodels.inference.decoding import messages
from mlmodels.inference.decoding.look import Look, look
from mlmodels.inference.decoding.messages import NonsenseError, Request
from mlmodels.inference.decoding.pool import Allowance, DecoderError, DecoderPool
from mlmodels.inference.pictures import PictureError
from mlmodels.tests.photographs import MAX_PIXELS, small, written

REQUEST = Request(MAX_PIXELS, 64)
GOOD = written(small(), "JPEG").getvalue()
FAULTY = "mlmodels.tests.faulty_decoder"


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    running = DecoderPool(Allowance(processes=4, seconds=2, memory_bytes=300 * 2**20, module=FAULTY))
    yield running
    running.close()


def seen(pool: DecoderPool, content: bytes, *, owner: int = 1) -> Look:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return pool.look(file.fileno(), REQUEST, owner=owner)


def outcome(pool: DecoderPool, content: bytes, *, owner: int = 1) -> str:
    try:
        seen(pool, content, owner=owner)
    except (DecoderError, PictureError) as error:
        return error.code
    return "seen"


def test_a_decoder_sees_what_the_function_sees(pool: DecoderPool) -> None:
    assert seen(pool, GOOD) == look(GOOD, max_pixels=MAX_PIXELS, thumbnail_side_px=64, strips_metadata=False)


def test_one_decoder_looks_at_many_pictures_one_after_the_other(pool: DecoderPool) -> None:
    seen(pool, GOOD)
    before = pool.pids
    for _ in range(20):
        seen(pool, GOOD)

    assert pool.pids == before


@pytest.mark.parametrize("content", [b"", b"words", GOOD[:500], b"%PDF-1.7"])
def test_a_refusal_costs_no_decoder(pool: DecoderPool, content: bytes) -> None:
    seen(pool, GOOD)
    before = pool.pids
    with pytest.raises(PictureError) as refused:
        pictures.decode(io.BytesIO(content), max_pixels=MAX_PIXELS)

    assert outcome(pool, content) == refused.value.code
    assert pool.pids == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (b"please crash", "decoder_died"),
        (b"please spin", "too_slow"),
        (b"please hoard", "no_memory"),
        (b"please exit", "decoder_died"),
        (b"please babble", "decoder_died"),
    ],
)
def test_a_decoder_that_breaks_over_a_picture_is_replaced(pool: DecoderPool, words: bytes, code: str) -> None:
    assert outcome(pool, GOOD + words) == code
    assert outcome(pool, GOOD) == "seen"


def test_while_one_picture_spins_others_are_seen(pool: DecoderPool) -> None:
    with ThreadPoolExecutor(3) as threads:
        spinning = [threads.submit(outcome, pool, GOOD + b"please spin") for _ in range(2)]
        others = [outcome(pool, GOOD, owner=2) for _ in range(3)]
        assert others == ["seen"] * 3
        assert not any(each.done() for each in spinning)  # they were seen meanwhile
        assert [each.result() for each in spinning] == ["too_slow"] * 2


def test_who_has_half_of_the_decoders_spinning_gets_no_more(pool: DecoderPool) -> None:
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda _: outcome(pool, GOOD + b"please spin"), range(4)))

    assert set(outcomes) <= {"too_slow", "busy"}
    assert outcomes.count("too_slow") >= 2


def test_a_decoder_that_was_killed_while_it_waited_costs_no_picture(pool: DecoderPool) -> None:
    seen(pool, GOOD)
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
        until(partial(is_gone, pid), "it still runs")

    assert outcome(pool, GOOD) == "seen"


def is_gone(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_decoder_outlives_the_thread_that_first_asked_for_it(pool: DecoderPool) -> None:
    for pid in pool.pids:
        os.kill(pid, signal.SIGKILL)
        until(partial(is_gone, pid), "it still runs")
    thread = threading.Thread(target=seen, args=(pool, GOOD))
    thread.start()
    thread.join()
    (left,) = pool.pids

    assert outcome(pool, GOOD) == "seen"
    assert pool.pids == [left]


A_PARENT = """
import os, signal, sys, tempfile
from mlmodels.inference.decoding.messages import Request
from mlmodels.inference.decoding.pool import Allowance, DecoderPool
pool = DecoderPool(Allowance(processes=1, seconds=20, memory_bytes=2**29))
with tempfile.TemporaryFile() as file:
    file.write(bytes.fromhex(sys.argv[1]))
    file.seek(0)
    pool.look(file.fileno(), Request(10**6, 64), owner=1)
print(*pool.pids, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_decoders_end_with_a_process_that_is_killed() -> None:
    argv = [sys.executable, "-c", A_PARENT, written(small(), "WEBP").getvalue().hex()]
    run = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    (pid,) = run.stdout.split()

    until(lambda: not Path(f"/proc/{pid}").exists() or is_gone(int(pid)), "the decoder lives on")


def test_a_decoder_loads_neither_django_nor_torch(pool: DecoderPool) -> None:
    seen(pool, GOOD)
    mapped = Path(f"/proc/{pool.pids[0]}/maps").read_text()

    assert "PIL" in mapped
    assert not any(name in mapped for name in ("torch", "openvino", "psycopg", "_sqlite3"))


GOOD_WORDS = {
    "format": "JPEG",
    "size": [150, 100],
    "further": "",
    "has_location": False,
    "keeps_metadata": False,
    "pieces": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {"format": "SVG"},
        {"format": ["JPEG"]},
        {"size": [150]},
        {"size": [150, -1]},
        {"size": ["150", 100]},
        {"size": [10**6, 10**6]},
        {"further": "anything"},
        {"has_location": "yes"},
        {"code": "unheard_of"},
        {"pieces": "all"},
        {"pieces": [[0, 101]]},
        {"pieces": [[50, 100], [0, 50]]},
        {"pieces": [[-5, 5]]},
        {"pieces": ["not base64!"]},
        {"pieces": [{"start": 1}]},
    ],
)
def test_what_no_decoder_says_is_not_believed(change: dict[str, object]) -> None:
    thumbnail = b"\xff\xd8\xff\xe0\xff\xd9"
    messages.understood(dict(GOOD_WORDS), thumbnail, REQUEST, 100)

    with pytest.raises(NonsenseError):
        messages.understood({**GOOD_WORDS, **change}, thumbnail, REQUEST, 100)
    with pytest.raises(NonsenseError):
        messages.understood(dict(GOOD_WORDS), b"<script>", REQUEST, 100)
