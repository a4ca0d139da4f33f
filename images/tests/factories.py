"""Pictures that went through the real door: checked, stored and queued."""

import io
from pathlib import Path

import skimage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Pillow

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis.states import Priority
from images import services
from images.models import Image
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"


def photograph(name: str = "coffee.png") -> bytes:
    """A real photograph that scikit-image ships."""
    return (PHOTOGRAPHS / name).read_bytes()


def drawn_picture(format_name: str = "PNG", *, size: tuple[int, int] = (64, 48), color: str = "teal") -> bytes:
    """A small plain picture, for tests that ask nothing of a model."""
    file = io.BytesIO()
    Pillow.new("RGB", size, color).save(file, format_name)
    return file.getvalue()


def uploaded(content: bytes, name: str = "picture.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def queued_image(
    *,
    user: User | None = None,
    model: MLModel | None = None,
    priority: Priority = Priority.NORMAL,
    content: bytes | None = None,
    name: str = "picture.png",
) -> Image:
    """A picture as it stands after an upload: stored, waiting in the queue."""
    return services.take_in(
        user=user or UserFactory.create(),
        file=uploaded(content or drawn_picture(), name),
        model=model or MLModelFactory.create(),
        priority=priority,
    )
