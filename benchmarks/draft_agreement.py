"""Whether a reduced decode changes what a model says, and what it saves; Markdown tables.

    python -m benchmarks.draft_agreement [--pictures 1000] [--sizes PX ...] [--strange] [--seed 20]

Every picture is a JPEG made from one of scikit-image's photographs: a random crop, mirrored or not, in other colours,
scaled to one of the sizes, with grain, saved in a random quality. Each is decoded in full and reduced
(`at_least_px`, as the worker does), preprocessed alike and put through the same model. A close call is a picture whose
two best labels stand within two points of each other: there any change at all may exchange them.
"""

import argparse
import io
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import skimage
from PIL import Image, ImageChops, ImageEnhance, ImageOps

from mlmodels.inference.classifier import Classifier, Prediction
from mlmodels.inference.engine import Engine
from mlmodels.inference.pictures import decode
from mlmodels.inference.runtime import prepare_worker_process

PHOTOGRAPHS = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "rocket.jpg",
)
# Scans, skies, textures and a blur: ImageNet has no names for them, and the first label is one of many.
STRANGE = ("brick.png", "clock_motion.png", "coins.png", "grass.png", "hubble_deep_field.jpg", "moon.png", "retina.jpg")
# At 4 : 3 and 3 : 2: the web, full HD, 3.5, 8 and 12 megapixels.
SHORTER_SIDES_PX = (400, 1080, 1536, 2448, 3000)
LARGEST_PX = 4500  # 3,000 at 3 : 2
GRAIN_LEVELS = 3  # standard deviation
MAX_PIXELS = 100_000_000
CLOSE_CALL_POINTS = 2.0
BATCH_SIZE = 16


@dataclass(frozen=True, slots=True)
class Sample:
    source: str
    shorter_px: int
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said about one picture with each decode."""

    source: str
    shorter_px: int
    full: list[Prediction]
    reduced: list[Prediction]

    @property
    def is_same(self) -> bool:
        return self.full[0].label == self.reduced[0].label

    @property
    def is_close_call(self) -> bool:
        return self.full[0].confidence - self.full[1].confidence < CLOSE_CALL_POINTS

    @property
    def points(self) -> float:
        """How far the confidence of the full decode's first label moved; all of it when that label is gone."""
        moved = {found.label: found.confidence for found in self.reduced}
        return abs(self.full[0].confidence - moved.get(self.full[0].label, 0.0))


def samples(sources: Sequence[str], sizes: Sequence[int], count: int, seed: int) -> Iterator[Sample]:
    chance = random.Random(seed)  # noqa: S311
    folder = Path(skimage.__file__).parent / "data"
    originals = {name: Image.open(folder / name).convert("RGB") for name in sources}
    grain = film_grain(seed)
    for number in range(count):
        shorter_px = sizes[number % len(sizes)]
        source = chance.choice(sources)
        picture = augmented(originals[source], shorter_px, grain, chance)
        content = jpeg(picture, quality=chance.randint(70, 97), subsampling=chance.choice((0, 1, 2)))
        yield Sample(source, shorter_px, content)


def film_grain(seed: int) -> Image.Image:
    """Noise around 128 as large as the largest picture: enlarged photographs alone have no details that reduce."""
    noise = np.random.default_rng(seed).normal(128, GRAIN_LEVELS, (LARGEST_PX, LARGEST_PX, 3))
    return Image.fromarray(noise.astype(np.uint8))


def augmented(original: Image.Image, shorter_px: int, grain: Image.Image, chance: random.Random) -> Image.Image:
    share, aspect = chance.uniform(0.6, 1), chance.choice((1, 4 / 3, 3 / 2, 3 / 4))
    width = min(original.width, original.height * aspect) * share
    height = width / aspect
    left, top = chance.uniform(0, original.width - width), chance.uniform(0, original.height - height)
    scale = shorter_px / min(width, height)
    size = (round(width * scale), round(height * scale))
    picture = original.crop((round(left), round(top), round(left + width), round(top + height)))
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = change(picture).enhance(chance.uniform(0.7, 1.3))
    picture = ImageOps.mirror(picture) if chance.random() < 0.5 else picture
    x, y = chance.randint(0, LARGEST_PX - size[0]), chance.randint(0, LARGEST_PX - size[1])
    grained = grain.crop((x, y, x + size[0], y + size[1]))
    return ImageChops.add(picture.resize(size, Image.Resampling.BICUBIC), grained, offset=-128)


def jpeg(picture: Image.Image, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


def seen(classifier: Classifier, content: bytes, at_least_px: int | None) -> np.ndarray:
    return classifier.preprocess(decode(io.BytesIO(content), max_pixels=MAX_PIXELS, at_least_px=at_least_px))


def verdicts(classifier: Classifier, taken: Iterator[Sample]) -> Iterator[Verdict]:
    while batch := list(islice(taken, BATCH_SIZE)):
        full = classifier.classify([seen(classifier, each.jpeg, None) for each in batch], top_k=5)
        reduced_px = classifier.decode_at_least_px
        reduced = classifier.classify([seen(classifier, each.jpeg, reduced_px) for each in batch], top_k=5)
        for sample, whole, part in zip(batch, full, reduced, strict=True):
            yield Verdict(sample.source, sample.shorter_px, whole, part)


def show(found: Sequence[Verdict]) -> None:
    print("| shorter side, px | pictures | same first label | its confidence moves, in points |\n|---|---|---|---|")
    for shorter_px in (*sorted({each.shorter_px for each in found}), None):
        rows = [each for each in found if shorter_px in (None, each.shorter_px)]
        same = sum(each.is_same for each in rows)
        points = sorted(each.points for each in rows if each.is_same)
        name = f"{shorter_px:,}" if shorter_px else "**all**"
        moved = f"{points[-1]:.1f} (median {statistics.median(points):.2f})"
        print(f"| {name} | {len(rows)} | {same} ({100 * same / len(rows):.2f} %) | {moved} |")
    close = [each for each in found if each.is_close_call]
    lost = [each for each in found if not each.is_same]
    print(f"\n{len({each.full[0].label for each in found})} different first labels, {len(close)} close calls.")
    print(f"{len(lost)} pictures disagree, {sum(each.is_close_call for each in lost)} of them close calls:")
    print(*(f"{name} {count}" for name, count in Counter(each.source for each in lost).most_common()), sep=", ")


def measure(classifier: Classifier, rounds: int) -> None:
    print("| picture | full decode, ms | reduced, ms | ratio |\n|---|---|---|---|")
    coffee = Image.open(Path(skimage.__file__).parent / "data" / "coffee.png").convert("RGB")
    for name, size, count in (("500 x 400", (500, 400), 40), ("12 megapixels", (4000, 3000), 4)):
        content = jpeg(coffee.resize(size, Image.Resampling.BICUBIC), quality=90)
        works = [
            lambda px=px, content=content: seen(classifier, content, px) for px in (None, classifier.decode_at_least_px)
        ]
        full, reduced = alternating_ms(works, rounds, count)
        print(f"| {name} | {full:.1f} | {reduced:.1f} | **{full / reduced:.1f}** |", flush=True)


def alternating_ms(works: Sequence[Callable[[], object]], rounds: int, count: int) -> list[float]:
    """The median over the rounds of each work's time, in milliseconds of this thread's processor."""
    took: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, times in zip(works, took, strict=True):
            began = time.thread_time()
            for _ in range(count):
                work()
            if number:  # the first round warms up
                times.append(1000 * (time.thread_time() - began) / count)
    return [statistics.median(times) for times in took]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--model", default="efficientnet:1.0.0")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=SHORTER_SIDES_PX, metavar="PX", help="shorter sides")
    parser.add_argument("--strange", action="store_true", help="of pictures for which ImageNet has no names")
    parser.add_argument("--weights", type=Path, default=Path(), help="folder of weights that are not in a package")
    options = parser.parse_args()
    prepare_worker_process(1)
    with tempfile.TemporaryDirectory() as cache:
        classifier = Engine(options.weights, cache_dir=Path(cache)).load(options.model)
        print(f"{options.model} in {classifier.execution}; seed {options.seed}\n")
        measure(classifier, options.rounds)
        print()
        sources = STRANGE if options.strange else PHOTOGRAPHS
        show(list(verdicts(classifier, samples(sources, options.sizes, options.pictures, options.seed))))


if __name__ == "__main__":
    main()
