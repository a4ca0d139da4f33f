"""Uploads of gigabytes: refused before a byte is read, written where they will stay."""

import errno
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.files import temp
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from mlmodels import model_files

# The form's other fields, with a label file among them.
FIELDS_BYTES = 16 * 1024**2
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

logger = logging.getLogger(__name__)


class ArrivingFile(TemporaryUploadedFile):
    """An uploaded file on the disk of the weights, gone with the request unless it was moved."""

    def __init__(self, *described: Any) -> None:
        file = temp.NamedTemporaryFile(suffix=".upload", dir=model_files.arriving_dir())
        UploadedFile.__init__(self, file, *described)


class ArrivingFileHandler(TemporaryFileUploadHandler):
    """Writes every uploaded file as an ArrivingFile.

    What cannot be written leaves the disk at once, and is read to its end all the same: a connection that is closed
    over what was sent and not read takes the answer with it.
    """

    failure: OSError | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        with self._noting_failure():
            self.file = ArrivingFile(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if not self.failure:
            with self._noting_failure():
                super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        arrived = None
        if not self.failure:
            with self._noting_failure():
                arrived = super().file_complete(file_size)
        return arrived

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            logger.exception("a checkpoint could not be received")
            self.failure = error
            with suppress(OSError):
                self.upload_interrupted()


def refusal(request: HttpRequest) -> str:
    """The code of why this request's body is not read, "" if it may be."""
    coming_bytes = int(request.META.get("CONTENT_LENGTH") or 0)
    if coming_bytes > settings.MODEL_UPLOAD_MAX_BYTES + FIELDS_BYTES:
        return "too_many_bytes"
    # Once as it arrives; a storage elsewhere or an exam's copy needs the room again, but says so itself.
    return "no_room" if coming_bytes > shutil.disk_usage(model_files.arriving_dir()).free else ""


def receive(request: HttpRequest) -> str:
    """Let the body arrive; the code of why it could not be kept, "" if it was."""
    handler = ArrivingFileHandler(request)
    request.upload_handlers = [handler]
    with suppress(UnreadablePostError):  # its sender has gone; the form's token is missing, too
        request.FILES  # noqa: B018  here it arrives
    if not handler.failure:
        return ""
    return "no_room" if handler.failure.errno in FULL else "not_stored"


def limits() -> dict[str, int]:
    """What the sentences of refusals are filled in with."""
    return {"limit_bytes": settings.MODEL_UPLOAD_MAX_BYTES}


def guarded(
    view: Callable[..., HttpResponse],
    *,
    may_upload: Callable[[HttpRequest], bool],
    turn_away: Callable[[HttpRequest], HttpResponse],
    refuse: Callable[[HttpRequest, str], HttpResponse],
) -> Callable[..., HttpResponse]:
    """An admin view that asks who sends something, and how much of it, before anything reads it.

    `view` checks the token of the form itself, as the admin's views do: the middleware would read the whole body
    first. Instead of `view`, `turn_away` answers who may not upload, and `refuse(request, code)` what may not be, or
    found no room while it arrived.
    """

    @login_not_required  # the admin's view asks
    @csrf_exempt
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        if not may_upload(request):
            return turn_away(request)
        model_files.arriving_dir().mkdir(parents=True, exist_ok=True)
        model_files.tidy_arriving()
        if code := refusal(request) or receive(request):
            return refuse(request, code)
        return view(request, *args, **kwargs)

    return guard
