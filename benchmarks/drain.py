"""How quickly workers empty a queue of waiting pictures, and what each one costs them, by how they divide the work.

    python -m benchmarks.drain [--pictures 200] [--rounds 3] [--megapixels 12] [NAME=VALUE,NAME=VALUE ...]

Each argument is a set of environment variables; every set is a whole application of its own. While its worker is held
the pictures are uploaded; the clock runs from its release to the last picture's `success`. All take turns, so that a
noisy machine disturbs all; the ratio is the median of the rounds' ratios to the first set. Core-milliseconds are what
the worker's processes took of all cores for a picture: they say less about waiting, but hardly feel what else runs.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from PIL import Image

from benchmarks.photographs import photographs
from benchmarks.whole_product import wait_for_success
from imageanalysis.tests.application import Application, Person

SETS = (
    "INFERENCE_BATCH_SIZE=16,PREPARATION_THREADS=1",
    "INFERENCE_BATCH_SIZE=8,PREPARATION_THREADS=1",
    "INFERENCE_BATCH_SIZE=4,PREPARATION_THREADS=1",
    "INFERENCE_BATCH_SIZE=8,PREPARATION_THREADS=2",
)


def environment(words: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in words.split(",") if word)
    return {"WORKER_CONCURRENCY": "2", **{name: value for name, _equals, value in pairs}}


def enlarged(content: bytes, megapixels: float) -> bytes:
    picture = Image.open(io.BytesIO(content))
    scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    file = io.BytesIO()
    size = round(picture.width * scale), round(picture.height * scale)
    picture.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


class Place:
    """One application with somebody who uploads."""

    def __init__(self, words: str, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.application = stack.enter_context(Application(folder, **environment(words)))
        self.person = Person(self.application.url)
        self.rates: list[float] = []
        self.core_ms: list[float] = []

    def drain(self, files: list[bytes]) -> None:
        time.sleep(1)  # a process that is held in the middle of a transaction would keep SQLite locked
        with self.application.no_worker():
            images = [self.person.upload(f"{number:03}.jpg", content) for number, content in enumerate(files)]
        cores_before, began = self.core_seconds(), time.perf_counter()
        for image in images:
            wait_for_success(self.person, image["id"])
        self.rates.append(len(files) / (time.perf_counter() - began))
        self.core_ms.append(1000 * (self.core_seconds() - cores_before) / len(files))

    def core_seconds(self) -> float:
        """Of the worker and its children, since they began."""
        workers = [pid for pid in self.application.processes if b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        words = [Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() for pid in workers]
        return sum(int(each[11]) + int(each[12]) for each in words) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megapixels", type=float)
    options = parser.parse_args()
    files = photographs(options.pictures)
    if options.megapixels:
        few = [enlarged(content, options.megapixels) for content in files[:8]]
        files = [few[number % len(few)] for number in range(len(files))]
    with ExitStack() as stack:
        places = {words: Place(words, stack) for words in options.sets}
        for number in range(options.rounds + 1):
            for place in places.values():
                place.drain(files if number else files[:32])  # at first all children load the model
        report(places)


def report(places: dict[str, Place]) -> None:
    first = next(iter(places.values())).rates[1:]
    print(f"{'pictures/s':>10}  {'ratio':>5}  {'core-ms':>7}")
    for words, place in places.items():
        rates = place.rates[1:]
        ratio = statistics.median(rate / base for rate, base in zip(rates, first, strict=True))
        rounds = ", ".join(f"{rate:.1f}" for rate in rates)
        core_ms = statistics.median(place.core_ms[1:])
        print(f"{statistics.median(rates):10.1f}  {ratio:5.2f}  {core_ms:7.1f}  {words}  ({rounds})")


if __name__ == "__main__":
    main()
