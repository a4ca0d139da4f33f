"""Photographs to measure with: seeded crops and mirrorings of the ones that scikit-image ships, as 500 x 375 JPEGs."""

import io
import random
from pathlib import Path

import skimage
from PIL import Image, ImageOps

SOURCES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
WIDTH_PX, HEIGHT_PX = 500, 375


def photographs(count: int, *, seed: int = 20) -> list[bytes]:
    """`count` different JPEG files (quality 90) whose bytes depend on the seed only."""
    chance = random.Random(seed)  # noqa: S311
    folder = Path(skimage.__file__).parent / "data"
    originals = [Image.open(folder / name).convert("RGB") for name in SOURCES]
    return [_variation(originals[n % len(originals)], chance) for n in range(count)]


def _variation(original: Image.Image, chance: random.Random) -> bytes:
    share = chance.uniform(0.75, 1)
    width = min(original.width, original.height * 4 / 3) * share
    height = width * 3 / 4
    left, top = chance.uniform(0, original.width - width), chance.uniform(0, original.height - height)
    picture = original.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    if chance.random() < 0.5:
        picture = ImageOps.mirror(picture)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()
