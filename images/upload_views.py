"""The upload: a form for people, JSON for programs; a bad file never stops the good ones."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.request import SignedInRequest, wants_json
from images import filenames, services
from images.forms import Wish, read_wish
from images.models import Image
from images.refusals import UploadRefusedError
from images.views import choices


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
        return too_large(request)
    return receive(request)


def form(request: SignedInRequest, status: int = 200) -> HttpResponse:
    return render(request, "images/upload.html", choices(request), status=status)


def too_large(request: SignedInRequest) -> HttpResponse:
    outcome = Outcome()
    outcome.refuse("", UploadRefusedError("request_too_large"))
    if wants_json(request):
        return JsonResponse({"images": [], "errors": outcome.errors}, status=413)
    messages.error(request, outcome.errors[0]["message"])
    return form(request, status=413)


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
    except UploadRefusedError as error:
        outcome.refuse("", error)
        return outcome
    for file in files:
        _take_in(request, file, wish, started_at, outcome)
    return outcome


def _check_count(files: list[UploadedFile]) -> None:
    if not files:
        raise UploadRefusedError("no_file")
    if len(files) > settings.UPLOAD_MAX_FILES:
        raise UploadRefusedError("too_many_files")


def _take_in(request: SignedInRequest, file: UploadedFile, wish: Wish, started_at: Any, outcome: Outcome) -> None:
    try:
        image = services.take_in(
            user=request.user,
            file=file,
            model=wish.model,
            priority=wish.priority,
            upload_started_at=started_at,
            strips_metadata=wish.strips_metadata,
        )
    except UploadRefusedError as error:
        outcome.refuse(filenames.displayable(file.name or ""), error)
    else:
        outcome.taken.append(image)


def as_json(outcome: Outcome) -> JsonResponse:
    taken = [described(image) for image in outcome.taken]
    return JsonResponse({"images": taken, "errors": outcome.errors}, status=201 if taken else 400)


def described(image: Image) -> dict[str, Any]:
    answer = {"id": image.pk, "filename": image.filename, "status": image.status, "url": image.get_absolute_url()}
    return {**answer, "notice": notice(image)} if image.keeps_metadata else answer


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
    if not outcome.taken:
        return redirect("images:upload")
    return redirect(outcome.taken[0]) if len(outcome.taken) == 1 else redirect("images:home")
