"""All that is kept about a person as one ZIP, written piece by piece: never more than a piece of it is in memory."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.utils import timezone

from accounts import preferences
from accounts.models import User
from images.models import Image
from images.spreadsheets import UTF_8_MARK, csv_text

PICTURES_AT_ONCE = 100
PIECE_BYTES = 256 * 1024
CSV_HEAD = ("picture", "filename", "uploaded", "model", "version", "rank", "label", "confidence", "analyzed")


class Archive:
    """One person's archive; `done_pictures` counts the originals that are in it, or are gone."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.done_pictures = 0
        self.sink = _Sink()

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the whole file in order."""
        with ZipFile(self.sink, "w") as self.zip:  # type: ignore[call-overload]
            yield from self._text("account.json", iter([_json(account(self.user))]))
            yield from self._text("pictures.json", self._pictures())
            yield from self._text("results.csv", self._results())
            for batch in self._batches():
                for image in batch:
                    yield from self._original(image)
                    self.done_pictures += 1
        yield self.sink.drain()

    def _text(self, name: str, parts: Iterable[str]) -> Iterator[bytes]:
        entry = ZipInfo(name, timezone.localtime().timetuple()[:6])
        entry.compress_type = ZIP_DEFLATED
        with self.zip.open(entry, "w", force_zip64=True) as file:
            for part in parts:
                file.write(part.encode())
                yield self.sink.drain()

    def _original(self, image: Image) -> Iterator[bytes]:
        """Stored as it is: pictures do not get any smaller."""
        try:
            original = default_storage.open(image.file_path)
        except FileNotFoundError:  # deleted since the rows were read
            return
        with original:
            entry = ZipInfo(name_in_archive(image), timezone.localtime(image.upload_date).timetuple()[:6])
            entry.compress_type = ZIP_STORED
            entry.file_size = original.size
            with self.zip.open(entry, "w") as file:
                for chunk in original.chunks(PIECE_BYTES):
                    file.write(chunk)
                    yield self.sink.drain()

    def _pictures(self) -> Iterator[str]:
        before = "[\n"
        for batch in self._batches():
            for image in batch:
                yield before + _json(picture(image))
                before = ",\n"
        yield "\n]\n" if before == ",\n" else "[]\n"

    def _results(self) -> Iterator[str]:
        yield UTF_8_MARK + csv_text([CSV_HEAD])
        for batch in self._batches():
            for image in batch:
                own = (image.pk, image.filename, image.upload_date.isoformat())
                yield csv_text(
                    (*own, r.model_name, r.model_version, r.rank, r.label, r.confidence, r.created_at.isoformat())
                    for r in image.results.all()
                )

    def _batches(self) -> Iterator[list[Image]]:
        """The person's pictures with all their rows; a few statements for every hundred."""
        own = (
            Image.objects.visible_to(self.user)
            .select_related("queue", "timeline", "original", "model_used")
            .order_by("pk")
        )
        own = own.prefetch_related("results", "progress_logs", "attempts", "heat_maps")
        last = 0
        while batch := list(own.filter(pk__gt=last)[:PICTURES_AT_ONCE]):
            yield batch
            last = batch[-1].pk


class _Sink:
    """Takes what the ZIP's writer writes, until it is drained."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def drain(self) -> bytes:
        data = b"".join(self.written)
        self.written.clear()
        return data


def account(user: User) -> dict[str, Any]:
    """What is kept about the person; no password, no key of a session and no token, not even their digests."""
    chosen = preferences.chosen_by(user)
    return {
        **_fields(user, leave_out=("password",)),
        "language": chosen.language,
        "theme": chosen.theme,
        "sessions": list(user.sessions.values("user_agent", "started_at", "last_seen_at", "expire_date")),
        "password_resets": list(user.password_reset_tokens.values("created_at", "used")),
    }


def picture(image: Any) -> dict[str, Any]:
    """A picture with its queue entry, timeline, progress and results, as they stand in the database."""
    return {
        **_fields(image, leave_out=("user_id", "file_path", "thumbnail_path", "model_used_id")),
        "file": name_in_archive(image),
        "model_used": image.model_used and image.model_used.key,
        "stored": _fields(getattr(image, "original", None), leave_out=("image_id",)),
        "queue": _fields(getattr(image, "queue", None), leave_out=("image_id", "user_id")),
        "timeline": _fields(getattr(image, "timeline", None), leave_out=("image_id",)),
        "progress": [_fields(row, leave_out=("image_id",)) for row in image.progress_logs.all()],
        "results": [_fields(row, leave_out=("image_id",)) for row in image.results.all()],
        "attempts": [_fields(row, leave_out=("image_id",)) for row in image.attempts.all()],
        "heat_maps": [_fields(row, leave_out=("image_id", "task_id", "worker")) for row in image.heat_maps.all()],
    }


def name_in_archive(image: Image) -> str:
    """`pictures/12-coffee.png`: unique, takeable for every system, with the ending that its content has."""
    name = re.sub(r'[<>:"|?*]', "_", image.filename).strip(". ")
    ending = "." + image.file_path.rpartition(".")[2]
    return f"pictures/{image.pk}-{name}" + ("" if name.lower().endswith(ending.lower()) else ending)


def _fields(row: Model | None, *, leave_out: tuple[str, ...]) -> dict[str, Any]:
    """What the columns hold; nothing where there is no row."""
    names = [field.attname for field in row._meta.concrete_fields if field.attname not in leave_out] if row else []
    return {name: getattr(row, name) for name in names}


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
