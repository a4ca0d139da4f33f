"""Who takes part: our whole product, and each peer as its documentation recommends it and tuned."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from benchmarks.peers.environments import ROOT, Environment
from benchmarks.peers.load import Asker, Connection, Labels
from benchmarks.whole_product import MODEL
from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import free_port

# glibc gives large buffers back to the system after every use, and the system has to clear them for the next one.
TUNED = {"TUNED": "1", "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "1073741824"}


class Contestant(Protocol):
    @property
    def name(self) -> str: ...

    def running(self) -> AbstractContextManager["Running"]:
        """While open it runs."""


class Running(Protocol):
    def asker(self) -> Asker: ...

    def memory_bytes(self) -> int:
        """What all of its processes hold, shared pages divided among those who share them."""


def proportional_bytes(pids: set[int]) -> int:
    """Pss of smaps_rollup."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue  # it has ended
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


def with_descendants(pid: int) -> set[int]:
    """Decoders are told next to nothing, so only their parents tell whose they are."""
    listed = subprocess.run(["ps", "-A", "-o", "ppid=,pid="], capture_output=True, check=True, text=True)
    children = defaultdict(set)
    for line in listed.stdout.splitlines():
        parent, child = map(int, line.split())
        children[parent].add(child)
    found, unseen = set(), {pid}
    while unseen:
        found |= unseen
        unseen = set().union(*(children[each] for each in unseen))
    return found


class Peer:
    """A server of a peer's own virtual environment."""

    def __init__(self, environment: Environment, *, is_tuned: bool) -> None:
        self.environment, self.is_tuned = environment, is_tuned

    @property
    def name(self) -> str:
        return f"{self.environment.title}, tuned" if self.is_tuned else self.environment.title

    @contextmanager
    def running(self) -> Iterator["RunningPeer"]:
        port = free_port()
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **(TUNED if self.is_tuned else {})}
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            with log.open("wb") as output:
                command = self.environment.command(port)
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**variables, "BENTOML_HOME": folder, "GRADIO_TEMP_DIR": folder},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            running = RunningPeer(self.environment, port, process, log)
            try:
                until(running.answers, running.said, seconds=180)
                yield running
            finally:
                with suppress(ProcessLookupError):  # it may have ended, and says why
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


class RunningPeer:
    def __init__(self, environment: Environment, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.environment, self.port, self.process, self.log = environment, port, process, log

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def asker(self) -> Asker:
        return ASKERS[self.environment.name](self.port)

    def answers(self) -> bool:
        assert self.process.poll() is None, f"it has ended:\n{self.said()}"
        try:
            Connection(self.port).get(self.environment.ready_address)
        except (OSError, AssertionError):
            return False
        return True

    def memory_bytes(self) -> int:
        return proportional_bytes(self._pids())

    def _pids(self) -> set[int]:
        """All of its session, which no process of it leaves."""
        listed = subprocess.run(["ps", "-o", "pid=", "-s", str(self.process.pid)], capture_output=True, check=True)
        return {int(pid) for pid in listed.stdout.split()}


def ask_litserve(port: int) -> Asker:
    connection = Connection(port)
    return lambda content: connection.post_file("/predict", "request", content)["labels"]


def ask_bentoml(port: int) -> Asker:
    connection = Connection(port)
    return lambda content: connection.post_file("/classify", "files", content)[0]["labels"]


def ask_gradio(port: int) -> Asker:
    connection = Connection(port)

    def ask(content: bytes) -> Labels:
        (path,) = connection.post_file("/gradio_api/upload", "files", content)
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        event = connection.post_json("/gradio_api/call/classify", {"data": [file]})["event_id"]
        events = connection.get(f"/gradio_api/call/classify/{event}").decode()
        assert "event: complete" in events, events
        (labels,) = json.loads(events.rpartition("data: ")[2])
        return labels

    return ask


ASKERS = {"litserve": ask_litserve, "bentoml": ask_bentoml, "gradio": ask_gradio}


class Ours:
    """`make run`, with its defaults unless `settings` say otherwise: sign-in, checks, thumbnail, storage, queue,
    timeline, stored result."""

    def __init__(self, name: str = "our whole product", **settings: str) -> None:
        self._name, self._settings = name, settings

    @property
    def name(self) -> str:
        return self._name

    @contextmanager
    def running(self) -> Iterator["RunningProduct"]:
        workers = str(min(os.cpu_count() or 1, 4))  # what WORKER_CONCURRENCY is unless said otherwise
        with (
            tempfile.TemporaryDirectory() as folder,
            Application(Path(folder), WORKER_CONCURRENCY=workers, **self._settings) as application,
        ):
            running = RunningProduct(application)
            try:
                yield running
            finally:
                running.waiting_room.close()


class RunningProduct:
    def __init__(self, application: Application) -> None:
        self.application = application
        self.port = int(application.bind.rpartition(":")[2])
        person = Person(application.url)
        cookies = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
        self.token = person.token
        self.headers = {"Cookie": cookies, "Accept": "application/json"}
        person.client.close()
        self.waiting_room = WaitingRoom(Connection(self.port, self.headers))

    def asker(self) -> Asker:
        connection = Connection(self.port, self.headers)

        def ask(content: bytes) -> Labels:
            answer = connection.post_file(
                "/images/upload/", "files", content, {"csrfmiddlewaretoken": self.token, "model": MODEL}
            )
            (image,) = answer["images"]
            return self.waiting_room.labels_of(image["id"])

        return ask

    def memory_bytes(self) -> int:
        return proportional_bytes(with_descendants(self.application.popen.pid))


class WaitingRoom:
    """Asks for the results of all pictures that are waited for together, as a program should."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._changed = threading.Condition()
        self._waited_for: set[int] = set()
        self._labels: dict[int, Labels] = {}
        self._failed: Exception | None = None
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name="waiting room")
        self._thread.start()

    def labels_of(self, image_id: int) -> Labels:
        with self._changed:
            self._waited_for.add(image_id)
            self._changed.notify_all()
            self._changed.wait_for(lambda: image_id in self._labels or self._failed)
            if self._failed:
                raise self._failed
            return self._labels.pop(image_id)

    def close(self) -> None:
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waited_for or not self._is_open)
                if not self._is_open:
                    return
                ids = sorted(self._waited_for)
            try:
                self._ask(ids)
            except Exception as error:  # for whoever waits, in their thread
                with self._changed:
                    self._failed = error
                    self._changed.notify_all()
                return
            time.sleep(0.005 + 0.002 * len(ids))

    def _ask(self, ids: list[int]) -> None:
        answer = json.loads(self._connection.get(f"/images/results.json?ids={','.join(map(str, ids))}"))
        with self._changed:
            for image in answer["images"]:
                assert image["status"] not in ("failed", "cancelled"), image
                if image["status"] == "success":
                    self._labels[image["id"]] = image["results"]
                    self._waited_for.discard(image["id"])
            self._changed.notify_all()
