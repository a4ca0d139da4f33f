"""Runs the child of an exam: starts it with next to nothing of what this process knows, listens, ends it in time."""

import logging
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import IO

from mlmodels.inference.exams.exam_messages import Heard, Request

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[3]
# What a child may know of this process: where libraries and the GPU are, and no secret.
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_HOME")
_MOST_BYTES = 2**20
_LOGGED_BYTES = 2000


def run(request: Request, time_limit_seconds: float, heard: Heard) -> None:
    """Until the child has ended; `heard` says how. It has failed unless it said that the model passed and ended well:
    "too_slow" when it took too long, "died" when it did not say why. Raises OSError when it cannot be started."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as questions, tempfile.TemporaryFile() as log:
        request.write(questions)
        questions.seek(0)
        # The input is a file, so that nobody waits for a child that does not read.
        with subprocess.Popen(
            [sys.executable, "-m", "mlmodels.inference.exams.examiner"],
            cwd=_ROOT,
            env=_environment(request.folder),
            stdin=questions,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        ) as child:
            try:
                _listen(child, monotonic() + time_limit_seconds, heard)
            except TimeoutError:
                _fail(heard, "too_slow", limit_seconds=round(time_limit_seconds))
            except ValueError as error:
                logger.warning("the child of an exam talks nonsense: %s", error)
            finally:
                child.kill()
        _judge(child.returncode, heard, log)


def _environment(folder: Path) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(folder))
    settings = {"USER": "nobody", "LANG": "C.UTF-8", "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**inherited, **places, **settings}


def _listen(child: subprocess.Popen[bytes], until: float, heard: Heard) -> None:
    """Until the child closes its output and ends. Raises TimeoutError, ValueError."""
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    rest = b""
    for chunk in _chunks(child.stdout, until):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            heard.line(line)
    try:
        child.wait(max(0.0, until - monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None


def _chunks(pipe: IO[bytes], until: float) -> Iterator[bytes]:
    left_bytes = _MOST_BYTES
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while left_bytes > 0:
            if not selector.select(max(0.0, until - monotonic())):
                raise TimeoutError
            chunk = os.read(pipe.fileno(), 2**16)
            if not chunk:
                return
            left_bytes -= len(chunk)
            yield chunk
    raise ValueError("it does not stop talking")


def _judge(status: int, heard: Heard, log: IO[bytes]) -> None:
    if heard.code:
        heard.passed = False
    elif status != 0 or not heard.passed:
        _fail(heard, "died", status=status)
        logger.warning("the child of an exam ended with %d: %s", status, _end_of(log))


def _fail(heard: Heard, code: str, **values: int) -> None:
    heard.passed, heard.code, heard.values = False, code, dict(values)


def _end_of(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - _LOGGED_BYTES))
    return log.read().decode(errors="replace")
