"""A thousand pages that poll their timelines while the workers are busy: what it costs, and whom.

    python -m benchmarks.pollers [--pollers 1000] [--seconds 60] [--rounds 2]

Every poller has a connection, a session and a picture of its own, asks when the last answer told it to, and sends the
ETag that it was given. The workers are kept busy by taking finished pictures back into the queue. Windows with and
without the pollers alternate, so that a noisy machine disturbs both.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import population
from benchmarks.photographs import photographs
from imageanalysis.tests.application import Application

DIFFERENT_PICTURES = 50
RECONNECTIONS = 5


@dataclass(slots=True)
class Tally:
    """What all pollers of one window saw."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    idle_bytes: list[int] = field(default_factory=list)  # head and body of answers without news
    intervals_ms: list[int] = field(default_factory=list)
    lost_connections: int = 0

    def add(self, status: int, seconds: float, size_bytes: int) -> None:
        self.seconds.append(seconds)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status == 304:
            self.idle_bytes.append(size_bytes)


class Poller:
    """One page. Connections that the server closed between two polls are opened again, as browsers do."""

    def __init__(self, place: population.Place, cookie: str, image_id: int, tally: Tally) -> None:
        self.host, _colon, self.port = place.bind.partition(":")
        self.head = (
            f"GET /images/{image_id}/timeline/ HTTP/1.1\r\nHost: {place.bind}\r\n"
            f"Cookie: {cookie}\r\nAccept: application/json\r\n"
        )
        self.tally = tally
        self.etag = ""
        self.wait_ms = 700
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, ends_at: float, first_after_seconds: float) -> None:
        await asyncio.sleep(first_after_seconds)
        while time.monotonic() < ends_at:
            await self.ask()
            self.tally.intervals_ms.append(self.wait_ms)
            await asyncio.sleep(self.wait_ms / 1000)
        if self.streams:
            self.streams[1].close()

    async def ask(self) -> None:
        for _attempt in range(RECONNECTIONS):
            began = time.monotonic()
            try:
                status, head, body = await self.exchange()
            except (ConnectionError, asyncio.IncompleteReadError):
                self.streams = None
                continue
            self.tally.add(status, time.monotonic() - began, len(head) + len(body))
            self.learn(status, head, body)
            return
        self.tally.lost_connections += 1

    async def exchange(self) -> tuple[int, bytes, bytes]:
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, int(self.port))
        reader, writer = self.streams
        condition = f"If-None-Match: {self.etag}\r\n" if self.etag else ""
        writer.write(f"{self.head}{condition}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(header(head, "content-length") or 0))
        if header(head, "connection").lower() == "close":
            writer.close()
            self.streams = None
        return int(head.split(None, 2)[1]), head, body

    def learn(self, status: int, head: bytes, body: bytes) -> None:
        if status == 200:
            # A finished picture is taken back into the queue; its page goes on looking.
            self.wait_ms = json.loads(body)["next_poll_ms"] or self.wait_ms
            self.etag = header(head, "etag")


def header(head: bytes, name: str) -> str:
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _colon, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


async def poll(place: population.Place, pages: list[tuple[str, int]], seconds: float) -> Tally:
    tally = Tally()
    ends_at = time.monotonic() + seconds
    pollers = [Poller(place, cookie, image_id, tally) for cookie, image_id in pages]
    await asyncio.gather(*(poller.run(ends_at, 3 * n / len(pollers)) for n, poller in enumerate(pollers)))
    return tally


@contextmanager
def busy_workers() -> Iterator[list[int]]:
    """Take finished pictures back into the queue all the time; the list counts the runs that were finished."""
    from analysis.models import AnalysisQueue
    from analysis.services import analyze_again
    from analysis.states import Priority, QueueStatus
    from mlmodels.models import MLModel

    finished, stop = [0], threading.Event()
    (model, *_others) = MLModel.objects.offered()

    def feed() -> None:
        while not stop.wait(0.05):
            done = AnalysisQueue.objects.filter(status=QueueStatus.COMPLETED).values_list("image_id", flat=True)
            for image_id in list(done[:64]):
                analyze_again(image_id=image_id, model=model, priority=Priority.NORMAL)
                finished[0] += 1

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield finished
    finally:
        stop.set()
        feeder.join()


def cpu_seconds(application: Application) -> float:
    """What all processes of the application have used so far."""
    ticks = 0
    for pid in application.processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pollers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = population.settle(Path(folder))
        with Application(place.folder, place.bind, WORKER_CONCURRENCY="2") as application:
            owners = population.people(options.pollers)
            images = population.waiting_pictures(owners, photographs(DIFFERENT_PICTURES))
            pages = [(population.session_cookie(owner), image.pk) for owner, image in zip(owners, images, strict=True)]
            measure(application, place, pages, options)


def measure(
    application: Application, place: population.Place, pages: list[tuple[str, int]], options: argparse.Namespace
) -> None:
    rates: dict[bool, list[float]] = {True: [], False: []}
    with busy_workers() as finished:
        while finished[0] < 2 * len(pages):  # both children have loaded the model, the queue has come to its pace
            time.sleep(0.5)
        for _round in range(options.rounds):
            for with_pollers in (False, True):
                before, cpu, began = finished[0], cpu_seconds(application), time.monotonic()
                if with_pollers:
                    tally = asyncio.run(poll(place, pages, options.seconds))
                else:
                    time.sleep(options.seconds)
                took = time.monotonic() - began
                rates[with_pollers].append((finished[0] - before) / took)
                used = (cpu_seconds(application) - cpu) / took
                print(f"pollers {with_pollers!s:5} {rates[with_pollers][-1]:6.1f} runs/s, {used:.2f} cores in use")
                if with_pollers:
                    report(tally, took)
    kept = statistics.median(rates[True]) / statistics.median(rates[False])
    print(f"runs a second with pollers / without: {kept:.2f}")


def report(tally: Tally, took: float) -> None:
    if len(tally.seconds) < 2:
        raise SystemExit(f"nothing was answered: {tally.lost_connections} connections lost")
    quantiles = statistics.quantiles(tally.seconds, n=100)
    p50, p95, p99 = (1000 * quantiles[n - 1] for n in (50, 95, 99))
    wait_ms = statistics.median(tally.intervals_ms)
    print(f"  {len(tally.seconds) / took:.0f} polls/s; p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms")
    print(f"  statuses {tally.statuses}, connections lost for good {tally.lost_connections}")
    print(
        f"  idle answer {statistics.median(tally.idle_bytes or [0]):.0f} bytes, told to wait {wait_ms:.0f} ms (median)"
    )


if __name__ == "__main__":
    main()
