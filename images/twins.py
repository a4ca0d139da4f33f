"""Whether a person has a picture already, told by the SHA-256 of the file as they sent it; never across people."""

from collections.abc import Sequence

from django.core.files.base import File
from django.db.models import Min

from analysis.pictures import is_gone
from images.models import Image, Original
from images.upload_handlers import SHA256
from mlmodels import model_files


def sha256_of(file: File) -> str:
    """Taken while the file arrived, or read now if it came another way."""
    told = getattr(file, "content_type_extra", None) or {}
    return told[SHA256].hex() if SHA256 in told else model_files.sha256_of(file)


def earlier_of(images: Sequence[Image]) -> dict[int, Image]:
    """By key of those pictures of one person that they had already, the first one of the same file.

    One whose file is lost does not count: sending it again is how to have it back. The pictures come with their
    originals. One statement along an index, and another where there are any.
    """
    if not images:
        return {}
    of_person = Original.objects.filter(image__user=images[0].user_id, image__deletion=None)
    of_files = of_person.filter(sha256__in={image.original.sha256 for image in images})
    first_of_file = dict(of_files.values_list("sha256").annotate(first=Min("image")))
    firsts_of = {image.pk: first_of_file.get(image.original.sha256, image.pk) for image in images}
    earlier_than = {pk: first for pk, first in firsts_of.items() if first < pk}
    firsts = Image.objects.in_bulk(earlier_than.values()) if earlier_than else {}
    return {pk: firsts[first] for pk, first in earlier_than.items() if _is_whole(firsts.get(first))}


def _is_whole(image: Image | None) -> bool:
    return image is not None and not is_gone(image.file_path)
