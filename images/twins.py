"""Whether a person has a picture already, told by the SHA-256 of the file as they sent it; never across people."""

from collections.abc import Sequence

from django.core.files.base import File
from django.db.models import OuterRef, Subquery

from images.models import Image, Original
from images.upload_handlers import SHA256
from mlmodels import model_files


def sha256_of(file: File) -> str:
    """Taken while the file arrived, or read now if it came another way."""
    told = getattr(file, "content_type_extra", None) or {}
    return told[SHA256].hex() if SHA256 in told else model_files.sha256_of(file)


def earlier_of(images: Sequence[Image]) -> dict[int, Image]:
    """By key of those pictures that their owner had already, the first one of the same file.

    One statement along an index, and another where there are any.
    """
    same = Original.objects.filter(sha256=OuterRef("sha256"), image__user=OuterRef("image__user"))
    before = same.filter(image__deletion=None, image__lt=OuterRef("image")).order_by("image").values("image")
    found = Original.objects.filter(image__in=images).annotate(first=Subquery(before[:1])).exclude(first=None)
    first_of = dict(found.values_list("image", "first"))
    firsts = Image.objects.in_bulk(first_of.values()) if first_of else {}
    return {pk: firsts[first] for pk, first in first_of.items() if first in firsts}
