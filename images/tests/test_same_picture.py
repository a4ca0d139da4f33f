"""Thumbnail, page and model show one and the same upright picture, made by one function."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image as Pillow

from accounts.models import User
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.inference import catalogue
from mlmodels.inference.pictures import decode
from mlmodels.tests.photographs import STORED, photograph, photograph_path, written
from mlmodels.tests.writings import sixteen_bits, with_half_alpha, with_transparent_frame, ycck

APPS = ("accounts", "analysis", "imageanalysis", "images", "mlmodels")
READERS = {
    "mlmodels/inference/pictures.py",  # the one
    "mlmodels/inference/golden_pictures.py",  # reads our own files
}


def as_held(orientation: int) -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    transposition = STORED[orientation]
    scene = photograph("coffee")
    stored = scene if transposition is None else scene.transpose(transposition)
    return written(stored, "JPEG", quality=95, exif=exif).getvalue()


FILES = {
    **{f"JPEG held as {orientation}": as_held(orientation) for orientation in STORED},
    **{f"HEIC held as {each}": photograph_path(f"coffee_as_{each}").read_bytes() for each in STORED},
    "16 bits": written(sixteen_bits(photograph("coffee")), "PNG").getvalue(),
    "transparent frame": written(with_transparent_frame(photograph("coffee")), "PNG").getvalue(),
    "half transparent": written(with_half_alpha(photograph("coffee")), "WEBP", lossless=True).getvalue(),
    "YCCK": ycck(photograph("coffee")).getvalue(),
    "Adobe RGB": photograph_path("rocket").read_bytes(),
}


def opened_naively(content: bytes) -> Pillow.Image:
    """As any browser shows a JPEG without metadata."""
    with Pillow.open(io.BytesIO(content)) as image:
        assert not image.getexif()
        return image.convert("RGB")


@pytest.mark.parametrize("name", FILES)
def test_the_thumbnail_is_what_the_model_looks_at(owner_client: Client, owner: User, name: str) -> None:
    image = queued_image(user=owner, content=FILES[name])
    preprocessing: Any = catalogue.find("efficientnet:1.0.0").preprocessing
    with default_storage.open(image.file_path) as file:
        seen = decode(file.file, max_pixels=settings.UPLOAD_MAX_PIXELS, at_least_px=preprocessing.decode_at_least_px)
    thumbnail = opened_naively(b"".join(owner_client.get(f"/images/{image.pk}/thumbnail/")))

    assert thumbnail.size == seen.size
    assert np.abs(preprocessing.apply(thumbnail) - preprocessing.apply(seen)).mean() * 128 < 3


def test_nothing_else_opens_pictures() -> None:
    sources = [path for app in APPS for path in Path(settings.BASE_DIR, app).rglob("*.py") if "tests" not in path.parts]
    reading = {path for path in sources if "Image.open(" in path.read_text() or "Pillow.open(" in path.read_text()}

    assert {str(path.relative_to(settings.BASE_DIR)) for path in reading} == READERS


def test_pages_show_the_thumbnail_of_what_browsers_cannot_draw(owner_client: Client, owner: User) -> None:
    image = queued_image(user=owner, content=FILES["HEIC held as 6"])
    page = owner_client.get(Image.objects.get().get_absolute_url()).content.decode()

    assert f'<img src="/images/{image.pk}/thumbnail/"' in page
    assert f'<img src="/images/{image.pk}/file/"' not in page
