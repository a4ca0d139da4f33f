"""Drawings of plain shapes in plain colours, no two alike: what a tiny CLIP learns from and is examined on."""

import math
import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]

COLOURS = {
    "red": (214, 40, 40),
    "yellow": (250, 210, 40),
    "green": (46, 160, 67),
    "blue": (40, 90, 210),
    "purple": (130, 50, 170),
}


def _corners(count: int, *, inner: float = 1.0) -> list[Point]:
    """On the unit circle, from the top; every second one on a circle of radius `inner`."""
    angles = [2 * math.pi * number / count - math.pi / 2 for number in range(count)]
    radii = [1.0, inner] * (count // 2) + [1.0] * (count % 2)
    return [(radius * math.cos(angle), radius * math.sin(angle)) for radius, angle in zip(radii, angles, strict=True)]


# Corners around (0, 0), none further away than 1.
SHAPES: dict[str, Sequence[Point]] = {
    "circle": _corners(48),
    "square": _corners(4),
    "triangle": _corners(3),
    "star": _corners(10, inner=0.42),
}
THINGS = [(colour, shape) for colour in COLOURS for shape in SHAPES]
LABELS = tuple(f"{colour} {shape}" for colour, shape in THINGS)

SIDE_PX = 96


def drawing(colour: str, shape: str, chance: random.Random) -> Image.Image:
    """One such shape of any size, anywhere, turned by any angle, on a dull background, in a noisy photograph."""
    grey = chance.randint(18, 237)
    canvas_px = 2 * SIDE_PX  # drawn at twice the size and reduced, so that edges are smooth
    picture = Image.new("RGB", (canvas_px, canvas_px), _near((grey, grey, grey), chance, 18))
    radius = canvas_px * chance.uniform(0.25, 0.42)
    middle = [chance.uniform(radius, canvas_px - radius) for _ in range(2)]
    corners = _placed(SHAPES[shape], radius, middle, chance.uniform(0, 2 * math.pi))
    ImageDraw.Draw(picture).polygon(corners, fill=_near(COLOURS[colour], chance, 22))
    return _noisy(picture.reduce(2), chance)


def set_of_all(chance: random.Random) -> list[Image.Image]:
    """One drawing of each of THINGS, in that order."""
    return [drawing(colour, shape, chance) for colour, shape in THINGS]


def _near(colour: Sequence[int], chance: random.Random, distance: int) -> tuple[int, ...]:
    return tuple(min(255, max(0, value + chance.randint(-distance, distance))) for value in colour)


def _placed(corners: Sequence[Point], radius: float, middle: Sequence[float], angle: float) -> list[Point]:
    cosine, sine = radius * math.cos(angle), radius * math.sin(angle)
    return [(middle[0] + x * cosine - y * sine, middle[1] + x * sine + y * cosine) for x, y in corners]


def _noisy(picture: Image.Image, chance: random.Random) -> Image.Image:
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0, chance.uniform(0, 14), (SIDE_PX, SIDE_PX, 1))
    return Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8))
