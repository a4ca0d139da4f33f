"""Keeps a set of processes running: starts them in order, restarts what ends, stops all, leaves none behind.

Plain Python: `manage.py start` says which processes. One loop in one thread waits for output, signals and
deadlines; one thread, because the kernel ties a child's life to the thread that forked it.
"""

import math
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from imageanalysis.console import Console
from imageanalysis.lifeline import die_with_parent
from imageanalysis.service import Process, Service

__all__ = ["BackOff", "Service", "Supervisor", "die_with_parent"]

TICK_SECONDS = 0.1
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class BackOff:
    """How long to wait before the next start: twice as long after each end, from anew after a long life."""

    def __init__(self, first_seconds: float = 1, limit_seconds: float = 30, forgiven_after_seconds: float = 60) -> None:
        self.first_seconds = self.next_seconds = first_seconds
        self.limit_seconds = limit_seconds
        self.forgiven_after_seconds = forgiven_after_seconds

    def delay_seconds(self, *, lived_seconds: float) -> float:
        delay = self.first_seconds if lived_seconds >= self.forgiven_after_seconds else self.next_seconds
        self.next_seconds = min(delay * 2, self.limit_seconds)
        return delay


class Supervisor:
    """Runs services until SIGINT, SIGTERM or SIGHUP asks it to stop; a second signal stops all at once."""

    def __init__(
        self,
        services: Sequence[Service],
        console: Console,
        *,
        directory: Path,
        on_ready: Callable[[], None],
        backoff: Callable[[], BackOff] = BackOff,
        ready_within_seconds: float = 60,
    ) -> None:
        self.services = {service.name: service for service in services}
        self.console = console
        self.directory = directory
        self.on_ready = on_ready
        self.ready_within_seconds = ready_within_seconds
        self.backoffs = {name: backoff() for name in self.services}
        self.start_at = dict.fromkeys(self.services, 0.0)
        self.processes: dict[str, Process] = {}
        self.selector = selectors.DefaultSelector()
        self.stopping = False

        self.notice_at: float | None = None

    def run(self) -> None:
        self.notice_at = time.monotonic() + self.ready_within_seconds
        with _signal_numbers() as self.signals:
            self.selector.register(self.signals, selectors.EVENT_READ)
            try:
                while self.processes or not self.stopping:
                    self._turn()
            finally:
                for process in self.processes.values():
                    process.kill()

    def _turn(self) -> None:
        if self.stopping:
            self._stop_next()
        else:
            self._start_next()
        for process in self.processes.values():
            process.probe()
        self._announce()
        self._wait()
        for process in [process for process in self.processes.values() if process.popen.poll() is not None]:
            self._bury(process)

    def _start_next(self) -> None:
        for name, service in self.services.items():
            due = name not in self.processes and time.monotonic() >= self.start_at[name]
            if due and all(self._is_ready(earlier) for earlier in service.after):
                process = self.processes[name] = Process(service, self.directory)
                self.selector.register(process.output, selectors.EVENT_READ, process)

    def _is_ready(self, name: str) -> bool:
        return name in self.processes and self.processes[name].ready

    def _stop_next(self) -> None:
        needed = {earlier for process in self.processes.values() for earlier in process.service.after}
        for name, process in self.processes.items():
            if not process.asked_to_stop and name not in needed:
                process.ask_to_stop()
            elif time.monotonic() >= process.kill_at:
                grace = process.service.stop_grace_seconds
                self.console.note(f"{name} did not stop within {grace:g} s and is killed.")
                process.kill()

    def _announce(self) -> None:
        late = [name for name in self.services if not self._is_ready(name)]
        if self.stopping or self.notice_at is None:
            return
        if not late:
            self.notice_at = None
            self.on_ready()
        elif time.monotonic() >= self.notice_at:
            self.notice_at = math.inf
            self.console.note(f"Not ready yet: {', '.join(late)}. The log lines above tell why.")

    def _wait(self) -> None:
        settled = not self.stopping and all(map(self._is_ready, self.services))
        for key, _ in self.selector.select(None if settled else TICK_SECONDS):
            if isinstance(key.data, Process):
                self._forward_log(key.data)
            elif STOP_SIGNALS & set(self.signals.recv(4096)):
                self._request_stop()

    def _forward_log(self, process: Process) -> None:
        lines = process.read_lines()
        if lines is None:
            self.selector.unregister(process.output)
        self.console.log(process.service.name, lines or [])
        if self.console.lost:
            self.stopping = True

    def _request_stop(self) -> None:
        if self.stopping:
            self.console.note("Stopping at once.")
            for process in self.processes.values():
                process.kill()
        else:
            self.stopping = True
            self.console.note("Stopping; work that has begun is finished first. Ctrl-C again stops at once.")

    def _bury(self, process: Process) -> None:
        name = process.service.name
        del self.processes[name]
        with suppress(KeyError):  # its output may have ended before
            self.selector.unregister(process.output)
        self.console.log(name, process.bury())
        if not self.stopping:
            delay = self.backoffs[name].delay_seconds(lived_seconds=process.lived_seconds)
            self.start_at[name] = time.monotonic() + delay
            self.console.note(f"{name} {process.ending}; it starts again in {delay:g} s.")


@contextmanager
def _signal_numbers() -> Iterator[socket.socket]:
    """While open, signals to stop and ends of children arrive as bytes on the socket, no more."""
    inbox, outbox = socket.socketpair()
    inbox.setblocking(False)
    outbox.setblocking(False)
    former_fd = signal.set_wakeup_fd(outbox.fileno(), warn_on_full_buffer=False)
    former = {number: signal.getsignal(number) for number in (*STOP_SIGNALS, signal.SIGCHLD)}
    for number, handler in former.items():
        if not (number == signal.SIGHUP and handler == signal.SIG_IGN):  # nohup asked for that
            signal.signal(number, lambda *_: None)
    try:
        yield inbox
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former_fd)
        inbox.close()
        outbox.close()
