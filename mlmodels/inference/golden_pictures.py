"""The pictures on which a runtime is compared with the reference: the same on every machine, from four photographs."""

import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

FOLDER = Path(__file__).with_name("golden")

# A hundred, so that "99 of 100 have the same best label" says something.
COUNT = 100
_SEED = 17


def golden_pictures(count: int = COUNT) -> Iterator[Image.Image]:
    """Upright RGB pictures: crops, mirrorings and exposures of the photographs in turn."""
    chance = random.Random(_SEED)  # noqa: S311 - the same for everybody, which is the point
    originals = [Image.open(path).convert("RGB") for path in sorted(FOLDER.glob("*.jpg"))]
    for number in range(count):
        yield _variation(originals[number % len(originals)], chance)


def _variation(original: Image.Image, chance: random.Random) -> Image.Image:
    share = chance.uniform(0.5, 1)
    width_px, height_px = round(original.width * share), round(original.height * share)
    left, upper = chance.randint(0, original.width - width_px), chance.randint(0, original.height - height_px)
    picture = original.crop((left, upper, left + width_px, upper + height_px))
    if chance.random() < 0.5:
        picture = ImageOps.mirror(picture)
    return ImageEnhance.Brightness(picture).enhance(chance.uniform(0.7, 1.3))
