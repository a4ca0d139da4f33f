"""Two hundred people who upload five photographs each at the same moment, and one person behind another's thousand.

    python -m benchmarks.burst [--people 200] [--each 5] [--ahead 1000]

Every upload must be taken or politely put off (429, 503); afterwards every picture has its labels and the rows and
files agree. Then somebody's thousand pictures wait, and another person uploads one: how long does that one take?
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path

import httpx

from benchmarks import population
from benchmarks.photographs import photographs
from imageanalysis.tests.application import Application

PATIENCE_SECONDS = 600


class Visitor:
    """A signed-in person with a connection and a form of their own."""

    def __init__(self, place: population.Place, cookie: str) -> None:
        headers = {"Cookie": cookie, "Accept": "application/json"}
        self.client = httpx.AsyncClient(base_url=f"http://{place.bind}", headers=headers, timeout=PATIENCE_SECONDS)
        self.token = ""

    async def open_form(self) -> None:
        page = await self.client.get("/images/upload/", headers={"Accept": "text/html"})
        self.token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        cookies = "; ".join([self.client.headers["Cookie"], *(f"{k}={v}" for k, v in page.cookies.items())])
        self.client.headers["Cookie"] = cookies

    async def upload(self, files: list[bytes]) -> tuple[int, float]:
        """Status and seconds of one request with all files."""
        began = time.monotonic()
        parts = [("files", (f"{n}.jpg", content, "image/jpeg")) for n, content in enumerate(files)]
        form = {"csrfmiddlewaretoken": self.token, "priority": "normal"}
        answer = await self.client.post("/images/upload/", data=form, files=parts)
        return answer.status_code, time.monotonic() - began


async def burst(place: population.Place, cookies: list[str], files: list[bytes], each: int) -> None:
    visitors = [Visitor(place, cookie) for cookie in cookies]
    await asyncio.gather(*(visitor.open_form() for visitor in visitors))
    batches = [files[n * each : (n + 1) * each] for n in range(len(visitors))]
    began = time.monotonic()
    answers = await asyncio.gather(*(visitor.upload(batch) for visitor, batch in zip(visitors, batches, strict=True)))
    seconds = sorted(took for _status, took in answers)
    print(f"{len(visitors)} people, {each} pictures each: all answered after {time.monotonic() - began:.1f} s")
    print(f"  statuses {dict(Counter(status for status, _took in answers))}")
    print(f"  an answer took median {statistics.median(seconds):.1f} s, p95 {seconds[int(0.95 * len(seconds))]:.1f} s")


async def one_more(place: population.Place, cookie: str, content: bytes) -> float:
    """Seconds from the first byte sent to the labels of one picture."""
    visitor = Visitor(place, cookie)
    await visitor.open_form()
    began = time.monotonic()
    await visitor.upload([content])
    newest = import_module("images.models").Image.objects.order_by("-pk")
    while (await asyncio.to_thread(newest.first)).status != "success":
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def drained() -> float:
    """Wait until nothing waits or runs any more; the seconds that took."""
    began = time.monotonic()
    queue = import_module("analysis.models").AnalysisQueue.objects
    while queue.filter(status__in=("waiting", "processing")).exists():
        time.sleep(0.2)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--each", type=int, default=5)
    parser.add_argument("--ahead", type=int, default=1000)
    options = parser.parse_args()
    files = photographs(options.people * options.each)
    with tempfile.TemporaryDirectory() as name:
        place = population.settle(Path(name))
        with Application(place.folder, place.bind, WORKER_CONCURRENCY="2"):
            owners = population.people(options.people)
            cookies = [population.session_cookie(owner) for owner in owners]
            asyncio.run(burst(place, cookies, files, options.each))
            print(f"  everything labelled {drained():.1f} s later; violations: {violations(place) or 'none'}")
            empty = asyncio.run(one_more(place, cookies[1], files[0]))
            pausing = import_module("analysis.pausing")
            pausing.pause(by=owners[0])
            population.waiting_pictures([owners[0]] * options.ahead, files)
            pausing.resume(by=owners[0])
            behind = asyncio.run(one_more(place, cookies[1], files[0]))
            print(f"one picture: {empty:.2f} s alone, {behind:.2f} s behind somebody else's {options.ahead} pictures")
            print(f"  those were labelled {drained():.1f} s later; violations: {violations(place) or 'none'}")


def violations(place: population.Place) -> list[str]:
    return import_module("imageanalysis.tests.invariants").violations(place.folder / "media")


if __name__ == "__main__":
    main()
