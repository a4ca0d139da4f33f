"""Whether a picture is what it is, however it was written down: against other decoders, and in what the model says.

    python -m benchmarks.security.decode_agreement [--pictures 25]

Photographs in every colour mode and coding, decoded by us and by Chromium (TIFF: by tifffile), upright, 8-bit RGB, on
white: the mean absolute difference, agreed when at most 3 of 255, and EfficientNet-Lite0's first label for both, so
that what a coding itself loses does not count. Then the eight EXIF orientations of JPEG (quality 100, 4:4:4, sides of
whole blocks, so that turned ones lose the same) and of a HEIC: first label and confidence.
"""

import argparse
import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
from PIL import Image
from playwright.sync_api import Page

from benchmarks.photographs import photographs
from imageanalysis.tests.browser import chromium
from mlmodels.inference import pictures
from mlmodels.inference.classifier import Prediction
from mlmodels.inference.engine import Engine
from mlmodels.tests.photographs import MAX_PIXELS, STORED, decoded, mean_difference, photograph_path, written
from mlmodels.tests.writings import WRITINGS, turned

AGREED = 3.0
SHOW = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  const png = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  let text = "";
  for (let i = 0; i < png.length; i += 32768) text += String.fromCharCode(...png.subarray(i, i + 32768));
  return btoa(text);
}"""


def by_another(page: Page, content: bytes) -> Image.Image | None:
    return by_tifffile(content) if content[:2] in (b"II", b"MM") else by_chromium(page, content)


def by_chromium(page: Page, content: bytes) -> Image.Image:
    shown = page.evaluate(SHOW, base64.b64encode(content).decode())
    return Image.open(io.BytesIO(base64.b64decode(shown))).convert("RGB")


def by_tifffile(content: bytes) -> Image.Image | None:
    """Grey, RGB and RGBA of 8, 16 bits or floats from 0 to 1; None for what it only unpacks (inks, palettes, luma)."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        if page.photometric not in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB):
            return None
        stored = page.asarray()
    values = stored.astype(np.float64)
    if stored.dtype.kind == "u":
        values /= np.iinfo(stored.dtype).max
    if values.ndim == 2:
        values = np.stack([values] * 3, axis=-1)
    if values.shape[2] == 4:
        values = values[..., :3] * values[..., 3:] + 1 - values[..., 3:]
    return Image.fromarray(np.round(values * 255).astype(np.uint8))


def kinds_of_files() -> Iterator[tuple[str, Callable[[Image.Image], io.BytesIO]]]:
    yield from WRITINGS.items()
    yield "TIFF", lambda scene: written(scene, "TIFF")
    for orientation in STORED:
        yield f"JPEG, orientation {orientation}", lambda scene, turn=orientation: turned(scene, turn, quality=95)  # type: ignore[misc]


class Model:
    """EfficientNet-Lite0, as the worker asks it."""

    def __init__(self, folder: Path) -> None:
        self.classifier = Engine(folder).load("efficientnet:1.0.0")

    def first(self, file: io.BytesIO) -> Prediction:
        return self.first_of(
            pictures.decode(file, max_pixels=MAX_PIXELS, at_least_px=self.classifier.decode_at_least_px)
        )

    def first_of(self, picture: Image.Image) -> Prediction:
        return self.classifier.classify([self.classifier.preprocess(picture)])[0][0]


def compare_decoders(model: Model, page: Page, scenes: list[Image.Image]) -> None:
    print("| written as | agree | greatest mean difference of 255 | same first label |\n|---|---|---|---|")
    alone, differences, labels = ["HEIC"], [], []
    for kind, write in kinds_of_files():
        pairs = [(content := write(scene).getvalue(), by_another(page, content)) for scene in scenes]
        compared = [(decoded(io.BytesIO(content)), theirs) for content, theirs in pairs if theirs is not None]
        if not compared:
            alone.append(kind)
            continue
        found = [mean_difference(ours, theirs) for ours, theirs in compared]
        same = [model.first_of(ours).label == model.first_of(theirs).label for ours, theirs in compared]
        print(
            f"| {kind} | {agreeing(found)} of {len(found)} | {max(found):.2f} | {sum(same)} of {len(same)} |",
            flush=True,
        )
        differences += found
        labels += same
    print(f"| **all** | {agreeing(differences)} of {len(differences)} | | {100 * sum(labels) / len(labels):.1f} % |")
    print(f"\nNothing to compare with: {', '.join(alone)}")


def agreeing(differences: list[float]) -> int:
    return sum(difference <= AGREED for difference in differences)


def compare_orientations(model: Model, scenes: list[Image.Image]) -> None:
    print(
        "\n| turned | scenes | same first label in all eight | greatest difference of confidence |\n|---|---|---|---|"
    )
    for kind, size in (("JPEG, landscape", (480, 368)), ("JPEG, portrait", (288, 368))):
        shown = [scene.crop((0, 0, *size)) for scene in scenes]
        report(
            kind, [[model.first(turned(scene, turn, quality=100, subsampling=0)) for turn in STORED] for scene in shown]
        )
    heic = [io.BytesIO(photograph_path(f"coffee_as_{turn}").read_bytes()) for turn in STORED]
    report("HEIC, landscape", [[model.first(file) for file in heic]])


def report(kind: str, seen: list[list[Prediction]]) -> None:
    same = sum(len({found.label for found in turns}) == 1 for turns in seen)
    spread = max(max(found.confidence for found in turns) - min(found.confidence for found in turns) for turns in seen)
    print(f"| {kind} | {len(seen)} | {same} | {spread / 100:.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=25)
    scenes = [Image.open(io.BytesIO(content)).convert("RGB") for content in photographs(parser.parse_args().pictures)]
    with TemporaryDirectory() as folder, chromium() as browser:
        model = Model(Path(folder))
        compare_decoders(model, browser.new_page(), scenes)
        compare_orientations(model, scenes)


if __name__ == "__main__":
    main()
