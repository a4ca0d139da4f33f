"""Pictures a second through the whole product, against a bare loop over the engine's own work.

    python -m benchmarks.whole_product [--pictures 200] [--rounds 3]

The product is started as `make run` starts it, on folders of its own; the pictures go over HTTP, two at a time like the
page's own upload; the clock runs from the first byte sent to the last picture's `success`. The bare loop does decode,
preprocess and forward, one picture after the other in one process. They alternate: a noisy machine disturbs both.
"""

import argparse
import io
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import torch

from benchmarks.photographs import photographs
from imageanalysis.tests.application import Application, Person
from mlmodels.inference.engine import Engine
from mlmodels.inference.pictures import decode
from mlmodels.inference.runtime import prepare_worker_process

MODEL = "efficientnet:1.0.0"
MAX_PIXELS = 250_000_000
UPLOADS_AT_ONCE = 2


def bare_loop(files: list[bytes], engine: Engine) -> float:
    """Seconds for decode, preprocess and forward of every file."""
    classifier = engine.load(MODEL)
    began = time.perf_counter()
    for content in files:
        picture = decode(io.BytesIO(content), max_pixels=MAX_PIXELS, at_least_px=classifier.decode_at_least_px)
        classifier.classify([classifier.preprocess(picture)])
    return time.perf_counter() - began


def whole_product(files: list[bytes], person: Person) -> tuple[float, float]:
    """Seconds until everything is uploaded, and until every picture has its labels."""
    began = time.perf_counter()
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        images = list(pool.map(lambda n: person.upload(f"{n:03}.jpg", files[n]), range(len(files))))
    uploaded = time.perf_counter() - began
    for image in images:
        wait_for_success(person, image["id"])
    return uploaded, time.perf_counter() - began


def wait_for_success(person: Person, image_id: int) -> None:
    while (story := person.story(image_id))["status"] != "success":
        if story["next_poll_ms"] is None:
            raise SystemExit(f"picture {image_id} ended as {story['status']}: {story['error']}")
        time.sleep(0.05)


@contextmanager
def page_times(person: Person) -> Iterator[list[float]]:
    """Fetch the gallery again and again meanwhile; the seconds that each page took."""
    seconds: list[float] = []
    done = threading.Event()

    def visit() -> None:
        with httpx.Client(base_url=person.client.base_url, cookies=person.client.cookies, timeout=60) as client:
            while not done.wait(0.25):
                began = time.perf_counter()
                client.get("/").raise_for_status()
                seconds.append(time.perf_counter() - began)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield seconds
    finally:
        done.set()
        visitor.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    files = photographs(options.pictures)
    prepare_worker_process(threads=1)
    torch.set_num_threads(1)
    engine = Engine(Path())
    bare_loop(files[:8], engine)
    rates: dict[str, list[float]] = {"bare loop": [], "whole product": [], "upload alone": []}
    with tempfile.TemporaryDirectory() as folder, Application(Path(folder), WORKER_CONCURRENCY="2") as application:
        person = Person(application.url)
        whole_product(files[:32], person)  # both children have loaded the model
        with page_times(person) as pages:
            for _ in range(options.rounds):
                rates["bare loop"].append(len(files) / bare_loop(files, engine))
                uploaded, finished = whole_product(files, person)
                rates["upload alone"].append(len(files) / uploaded)
                rates["whole product"].append(len(files) / finished)
    report(rates, pages)


def report(rates: dict[str, list[float]], pages: list[float]) -> None:
    for name, values in rates.items():
        rounds = ", ".join(f"{value:.1f}" for value in values)
        print(f"{name:14} {statistics.median(values):6.1f} pictures/s  ({rounds})")
    ratios = [whole / bare for whole, bare in zip(rates["whole product"], rates["bare loop"], strict=True)]
    print(f"whole product / bare loop: {statistics.median(ratios):.2f}")
    p95 = statistics.quantiles(pages, n=20)[-1]
    print(f"gallery page meanwhile: median {statistics.median(pages) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")


if __name__ == "__main__":
    main()
