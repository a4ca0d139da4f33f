"""The upload: a form for people, JSON for programs; a bad file never stops the good ones."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.request import SignedInRequest, wants_json
from images import filenames, services
from images.forms import read_upload_ids, read_wish
from images.models import Image
from images.refusals import UploadRefusedError
from images.resending import taken_once
from images.twins import earlier_of
from images.views import choices

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What became of each file of one upload."""

    taken: list[Image] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, filename: str, error: UploadRefusedError) -> None:
        self.errors.append({"filename": filename, "code": error.code, "message": error.message})


@require_http_methods(["GET", "HEAD", "POST"])
@csrf_exempt
def upload(request: SignedInRequest) -> HttpResponse:
    """The middleware would read the whole body for its token before anybody could ask who sends it, or how much."""
    if request.method != "POST":
        return form(request)
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_REQUEST_BYTES:
        return unread(request, "request_too_large", status=413)
    try:
        request.FILES  # noqa: B018  here they arrive
    except UnreadablePostError:  # their sender has gone, and hears no answer
        return unread(request, "no_file", status=400)
    except OSError:  # the disk is full
        logger.exception("an upload could not be received")
        for handler in request.upload_handlers:
            with suppress(OSError):
                handler.upload_interrupted()
        return unread(request, "not_stored", status=400)
    return receive(request)


def form(request: SignedInRequest, status: int = 200) -> HttpResponse:
    return render(request, "images/upload.html", {**choices(request), "offers_are_open": True}, status=status)


def unread(request: SignedInRequest, code: str, *, status: int) -> HttpResponse:
    """Of what the request brings nothing is looked at."""
    outcome = Outcome()
    outcome.refuse("", UploadRefusedError(code))
    if wants_json(request):
        return JsonResponse({"images": [], "errors": outcome.errors}, status=status)
    messages.error(request, outcome.errors[0]["message"])
    return form(request, status=status)


@csrf_protect
def receive(request: SignedInRequest) -> HttpResponse:
    outcome = take_in_all(request)
    return as_json(outcome) if wants_json(request) else as_page(request, outcome)


def take_in_all(request: SignedInRequest) -> Outcome:
    """Take in every file of the request, one after the other, each in its own transaction."""
    started_at = timezone.now()
    outcome = Outcome()
    files = request.FILES.getlist("files")
    try:
        wish = read_wish(request.POST, user=request.user)
        _check_count(files)
        upload_ids = read_upload_ids(request.POST, count=len(files))
    except UploadRefusedError as error:
        outcome.refuse("", error)
        return outcome
    for file, upload_id in zip(files, upload_ids, strict=True):
        take_in = partial(
            services.take_in,
            user=request.user,
            file=file,
            model=wish.model,
            priority=wish.priority,
            upload_started_at=started_at,
            strips_metadata=wish.strips_metadata,
            upload_id=upload_id,
        )
        try:
            outcome.taken.append(taken_once(user=request.user, upload_id=upload_id, take_in=take_in))
        except UploadRefusedError as error:
            outcome.refuse(filenames.displayable(file.name or ""), error)
    return outcome


def _check_count(files: list[UploadedFile]) -> None:
    if not files:
        raise UploadRefusedError("no_file")
    if len(files) > settings.UPLOAD_MAX_FILES:
        raise UploadRefusedError("too_many_files")


def as_json(outcome: Outcome) -> JsonResponse:
    earlier = earlier_of(outcome.taken)
    taken = [described(image, earlier.get(image.pk)) for image in outcome.taken]
    return JsonResponse({"images": taken, "errors": outcome.errors}, status=201 if taken else 400)


def described(image: Image, earlier: Image | None) -> dict[str, Any]:
    answer = {**named(image), "status": image.status}
    if earlier:
        answer["duplicate_of"] = named(earlier)
    return {**answer, "notice": notice(image)} if image.keeps_metadata else answer


def named(image: Image) -> dict[str, Any]:
    return {"id": image.pk, "filename": image.filename, "url": image.get_absolute_url()}


def notice(image: Image) -> str:
    return _("The metadata of “%(filename)s” could not be removed; the file is kept as it came.") % {
        "filename": image.filename
    }


def as_page(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    """Without JavaScript: say what was refused, then show the one picture that was taken, or all of them."""
    for error in outcome.errors:
        messages.error(request, f"{error['filename']}: {error['message']}" if error["filename"] else error["message"])
    for image in outcome.taken:
        if image.keeps_metadata:
            messages.warning(request, notice(image))
    for earlier in earlier_of(outcome.taken).values():
        link = format_html('<a href="{}">{}</a>', earlier.get_absolute_url(), earlier.filename)
        messages.info(request, format_html("{} {}", _("You have this picture already:"), link))
    if not outcome.taken:
        return redirect("images:upload")
    return redirect(outcome.taken[0]) if len(outcome.taken) == 1 else redirect("images:home")
