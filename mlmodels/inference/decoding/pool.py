"""A few decoders that belong to one process: started when needed, replaced when they die or take too long.

They are started by a thread that lives as long as the process: the kernel ends them with it.
"""

import json
import logging
import math
import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import SIGKILL
from threading import Condition
from time import monotonic

from mlmodels.inference.confinement.sandbox import CONTROLS, Limits
from mlmodels.inference.decoding import messages
from mlmodels.inference.decoding.look import Look
from mlmodels.inference.decoding.messages import NonsenseError, Request

logger = logging.getLogger(__name__)

MODULE = "mlmodels.inference.decoding.decoder"
_ROOT = Path(__file__).parents[3]
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
_START_SECONDS = 60
_LOG_BYTES = 2**16
_LOGGED_BYTES = 500
# What libraries map beside what they allocate.
_MAPPED_BYTES = 2**30
_LIFETIME_CPU_SECONDS = 24 * 3600


class DecoderError(Exception):
    """The picture was not looked at to the end.

    `code` is one of
    "too_slow": the decoder was ended, it took too long;
    "decoder_died": it ended by itself, which no picture should bring about;
    "no_memory": the picture needs more than a decoder gets;
    "busy": all the decoders that this owner may have look at other pictures;
    "no_decoder": none can be started.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Allowance:
    """`processes` is how many decoders there may be, half of them for one owner; the others are for each of them."""

    processes: int
    seconds: float
    memory_bytes: int
    module: str = MODULE


class Decoder:
    """One child process."""

    def __init__(self, allowance: Allowance) -> None:
        self._seconds = allowance.seconds
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the decoder
        limits = Limits(
            memory_bytes=allowance.memory_bytes,
            address_bytes=allowance.memory_bytes + _MAPPED_BYTES,
            file_bytes=_LOG_BYTES,
            cpu_seconds=_LIFETIME_CPU_SECONDS,
        )
        self._channel, its_end = socket.socketpair()
        with its_end:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", allowance.module, json.dumps(asdict(limits))],
                cwd=_ROOT,
                env=_environment(),
                stdin=its_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                start_new_session=True,
            )
        self._has_reported = False
        self.is_last = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def look(self, file: int, request: Request) -> Look:
        """Raises PictureError, and DecoderError after which this one is closed."""
        try:
            self._await_start()
            request.send(self._channel, file)
            words, thumbnail = messages.receive(self._channel, monotonic() + self._seconds)
            self.is_last = words.pop("is_last", True) is not False
            return messages.understood(words, thumbnail, request, os.fstat(file).st_size)
        except MemoryError:
            raise DecoderError("no_memory") from None
        except TimeoutError:
            self._give_up("took too long")
            raise DecoderError("too_slow") from None
        except (EOFError, OSError):
            raise DecoderError(self._cause_of_death()) from None
        except NonsenseError as error:
            self._give_up(f"talks nonsense: {error}")
            raise DecoderError("decoder_died") from error

    def _await_start(self) -> None:
        if self._has_reported:
            return
        try:
            report, _nothing = messages.receive(self._channel, monotonic() + _START_SECONDS)
        except (EOFError, OSError, NonsenseError) as error:
            self._give_up("did not start")
            raise DecoderError("no_decoder") from error
        self._has_reported = True
        if missing := [name for name in CONTROLS if name not in report.get("controls", ())]:
            logger.warning("decoders of pictures run without: %s", ", ".join(missing))

    def _cause_of_death(self) -> str:
        self._give_up("died")
        return "no_memory" if self._process.returncode == -SIGKILL else "decoder_died"

    def _give_up(self, what: str) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1 if what == "died" else 0)
        logger.warning("a decoder %s (%s): %r", what, self._process.poll(), self._last_words())
        self.close()

    def _last_words(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOGGED_BYTES))
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._channel.close()
        self._log.close()


class DecoderPool:
    """For one process: a fork needs its own."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._owners: Counter[int] = Counter()
        self._idle: list[Decoder] = []
        self._changed = Condition()
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="decoders")

    def look(self, file: int, request: Request, *, owner: int) -> Look:
        """Have a decoder look at the picture behind a descriptor, in turn. Raises PictureError and DecoderError."""
        with self._turn(owner):
            decoder = self._take()
            try:
                return decoder.look(file, request)
            finally:
                self._put_back(decoder)

    @property
    def pids(self) -> list[int]:
        """Of the decoders that wait for work."""
        with self._changed:
            return [decoder.pid for decoder in self._idle]

    def close(self) -> None:
        with self._changed:
            while self._idle:
                self._idle.pop().close()
        self._starter.shutdown()

    @contextmanager
    def _turn(self, owner: int) -> Iterator[None]:
        """Nobody takes more than half of the decoders, so that pictures that spin hold up their owner alone."""
        processes = self._allowance.processes
        share = math.ceil(processes / 2)
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._owners.total() < processes and self._owners[owner] < share, self._allowance.seconds
            ):
                raise DecoderError("busy")
            self._owners[owner] += 1
        try:
            yield
        finally:
            with self._changed:
                self._owners[owner] -= 1
                self._owners += Counter()  # forgets the owners of nothing
                self._changed.notify_all()

    def _take(self) -> Decoder:
        with self._changed:
            while self._idle:
                decoder = self._idle.pop()
                if decoder.is_alive:
                    return decoder
                decoder.close()
        try:
            return self._starter.submit(Decoder, self._allowance).result()
        except OSError as error:
            raise DecoderError("no_decoder") from error

    def _put_back(self, decoder: Decoder) -> None:
        if decoder.is_last or not decoder.is_alive:
            decoder.close()
            return
        with self._changed:
            self._idle.append(decoder)


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    # Numpy's threads would only reserve memory.
    return {**inherited, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
