"""The engine against a plain loop over the libraries' own code, and against what the cores could do; Markdown tables.

    python -m benchmarks.engine [--models resnet50:1.0.0 ...] [--weights FOLDER] [--pictures 32] [--rounds 3]
                                [--precision auto] [--device auto] [--runtime auto] [--threads N] [--batches 1 8 16]

Weights that FOLDER lacks are drawn from a seed: untrained networks are as fast as trained ones. The plain loop is what
a newcomer writes: eager fp32 and the library's own preprocessing; of its batch sizes the best counts. Both alternate,
so that a noisy machine disturbs both; medians of the rounds are shown.

* forward: pictures a second through the network alone, ours by batch size.
* labels: pictures a second from the bytes of JPEG files to ranked labels.
* of the limit: that rate by cores / (core-seconds of decode and preprocess + core-seconds of forward), each alone.
* cold: seconds from nothing to the first label in a process of its own, the model lying converted; memory is its peak.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from mlmodels.inference import catalogue
from mlmodels.inference.classifier import Classifier
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.golden_pictures import FOLDER, golden_pictures
from mlmodels.inference.pictures import decode
from mlmodels.inference.preparation import Preparation
from mlmodels.inference.runtime import prepare_worker_process

MAX_PIXELS = 250_000_000
SIZES = {"500 x 375": (500, 375), "12 megapixels": (4000, 3000)}
# A thousand take a minute to embed, and the number of labels does not show in the speed.
CLIP_LABELS = ("a cat", "a cup of coffee", "a rocket", "an astronaut", "a dog")


def engine(options: argparse.Namespace) -> Engine:
    clip = catalogue.find("clip:1.0.0")
    catalogue.MODELS[clip.key] = replace(clip, labels=CLIP_LABELS)
    wishes = Options(options.runtime, options.precision, options.device, options.threads)
    return Engine(options.weights, cache_dir=options.cache, options=wishes, memory_budget_bytes=1)


def jpegs(count: int, size: tuple[int, int]) -> list[bytes]:
    """Files of this size; the same few again and again where they are large."""
    pictures = [picture.resize(size, Image.Resampling.BICUBIC) for picture in golden_pictures(min(count, 8))]
    files = [io.BytesIO() for _ in pictures]
    for picture, file in zip(pictures, files, strict=True):
        picture.save(file, "JPEG", quality=90)
    return [files[number % len(files)].getvalue() for number in range(count)]


def prepare(classifier: Classifier, content: bytes) -> object:
    picture = decode(io.BytesIO(content), max_pixels=MAX_PIXELS, at_least_px=classifier.decode_at_least_px)
    return classifier.preprocess(picture)


def forward(classifier: Classifier, inputs: Sequence[np.ndarray], size: int) -> None:
    for start in range(0, len(inputs), size):
        classifier.classify(inputs[start : start + size])


def whole(classifier: Classifier, files: Sequence[bytes], preparation: Preparation) -> None:
    sources = {number: partial(io.BytesIO, content) for number, content in enumerate(files)}
    for batch in preparation.batches(classifier, sources, batch_size=8):
        classifier.classify([found for found in batch.values() if isinstance(found, np.ndarray)])


def interleaved(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each work; all take turns, and a first round warms up."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if number:
                took[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in took.items()}


def measure(key: str, options: argparse.Namespace, preparation: Preparation) -> None:
    """Print the rows of one model."""
    from benchmarks import plain_loop  # torch, which a process that measures a cold start must not load

    classifier = engine(options).load(key)
    loop = plain_loop.PlainLoop(key, options.weights, device=plain_loop.device(options.device))
    files = {name: jpegs(options.pictures, size) for name, size in SIZES.items()}
    pictures = list(golden_pictures(options.pictures))
    ours, plain = [classifier.preprocess(picture) for picture in pictures], loop.inputs(pictures)
    works: dict[str, Callable[[], object]] = {}
    for size in options.batches:
        works[f"ours {size}"] = lambda size=size: forward(classifier, ours, size)  # type: ignore[misc]
        works[f"plain {size}"] = lambda size=size: loop.run(plain, size)  # type: ignore[misc]
    for name, contents in files.items():
        works[f"prepare {name}"] = lambda contents=contents: [prepare(classifier, each) for each in contents]  # type: ignore[misc]
        works[f"whole {name}"] = lambda contents=contents: whole(classifier, contents, preparation)  # type: ignore[misc]
        works[f"plain {name}"] = lambda contents=contents: loop.whole(contents, 8)  # type: ignore[misc]
    ms = {name: 1000 * found / options.pictures for name, found in interleaved(works, options.rounds).items()}
    report(key, classifier, ms, options)


def report(key: str, classifier: Classifier, ms: dict[str, float], options: argparse.Namespace) -> None:
    best_plain = min(ms[f"plain {size}"] for size in options.batches)
    best_ours = min(ms[f"ours {size}"] for size in options.batches)
    rates = " / ".join(f"{1000 / ms[f'ours {size}']:.0f}" for size in options.batches)
    did = classifier.execution
    cells = [key, f"{did.runtime} {did.precision}, {did.device}", f"{1000 / best_plain:.0f}", rates]
    cells.append(f"**{best_plain / best_ours:.1f}**")
    for name in SIZES:
        # Forward keeps all cores busy, preparing one picture a single one.
        limit = 1000 / (ms[f"prepare {name}"] / options.threads + ms["ours 8"])
        rate = 1000 / ms[f"whole {name}"]
        split = f"{ms[f'prepare {name}']:.1f} + {ms['ours 8'] * options.threads:.1f}"
        cells += [f"{rate:.0f} ({ms[f'plain {name}'] / ms[f'whole {name}']:.1f} x)", split, f"{rate / limit:.2f}"]
    cold_seconds, peak_mib = cold(key, options)
    print("|", " | ".join([*cells, f"{cold_seconds:.2f}", f"{peak_mib:.0f}"]), "|", flush=True)


def cold(key: str, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds to the first label and MiB at the peak of a new process."""
    words = ["--cold", key, "--began", str(time.time()), "--threads", str(options.threads), "--device", options.device]
    words += ["--precision", options.precision, "--runtime", options.runtime]
    words += ["--weights", str(options.weights), "--cache", str(options.cache)]
    argv = [sys.executable, "-m", "benchmarks.engine", *words]
    answer = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    return answer["seconds"], answer["peak_mib"]


def first_label(options: argparse.Namespace) -> None:
    prepare_worker_process(options.threads)
    classifier = engine(options).load(options.cold)
    pixels = prepare(classifier, (FOLDER / "coffee.jpg").read_bytes())
    classifier.classify([pixels])  # type: ignore[list-item]
    print(json.dumps({"seconds": time.time() - options.began, "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """Of this process alone: getrusage would count what its parent held when it forked."""
    words = Path("/proc/self/status").read_text(encoding="utf-8").split()
    return int(words[words.index("VmHWM:") + 1]) / 1024


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(catalogue.MODELS))
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    for name in ("runtime", "precision", "device"):
        parser.add_argument(f"--{name}", default="auto")
    parser.add_argument("--cold", help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.batches = sorted({8, *options.batches})
    return options


def main() -> None:
    options = parsed()
    if options.cold:
        first_label(options)
        return
    prepare_worker_process(options.threads)
    from benchmarks import plain_loop  # torch

    with tempfile.TemporaryDirectory() as folder:
        options.weights = options.weights or Path(folder)
        options.cache = options.cache or Path(folder, "converted")
        plain_loop.draw_missing_weights(options.models, options.weights)
        batches = " / ".join(map(str, options.batches))
        print(
            f"{options.threads} threads, {options.pictures} pictures, {options.rounds} rounds; forward at {batches}\n"
        )
        per_size = [f"{name}: labels/s (x plain) | prepare + forward, core-ms | of the limit" for name in SIZES]
        columns = ["model", "engine", "plain forward/s", "our forward/s", "ratio", *per_size, "cold, s", "peak, MiB"]
        header = " | ".join(columns)
        print(f"| {header} |\n|{'---|' * (header.count('|') + 1)}")
        with Preparation(max_pixels=MAX_PIXELS, threads=options.threads) as preparation:
            for key in options.models:
                measure(key, options, preparation)


if __name__ == "__main__":
    main()
