"""Many pictures at once: what the bar of the gallery asks for, from a form or from a program."""

from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.request import SignedInRequest, wants_json
from images import batch, deletion
from images.refusals import UploadRefusedError
from images.templatetags.pictures import UNDO


@require_POST
def act(request: SignedInRequest) -> HttpResponse:
    """Do `action` for the pictures in `ids`; tells which it was done for, and why not for the others."""
    try:
        action, ids = batch.read_action(request.POST.get("action", "")), batch.read_ids(request.POST.getlist("ids"))
        outcome = batch.act(action, ids, user=request.user, asked=request.POST)
    except (batch.BatchRefusedError, UploadRefusedError) as error:
        return refused(request, error)
    audit.record(f"pictures_{action}", request=request, images=",".join(map(str, outcome.done)))
    if wants_json(request):
        return JsonResponse(outcome.as_json())
    tell(request, outcome)
    return back_to_gallery(request)


@require_POST
def undo(request: SignedInRequest) -> HttpResponse:
    """Take back what was deleted under the key `deletion`, whether one picture or many."""
    try:
        restored = deletion.restore(key=_key(request.POST.get("deletion", "")), user=request.user)
    except UploadRefusedError as error:
        return refused(request, error)
    if restored:
        audit.record("pictures_restored", request=request, images=",".join(map(str, restored)))
        sentence = ngettext("%(count)d picture is back.", "%(count)d pictures are back.", len(restored))
        message = sentence % {"count": len(restored)}
    else:
        message = _("There is nothing to take back: that was done already, or the time for it is over.")
    if wants_json(request):
        return JsonResponse({"restored": restored, "message": message})
    (messages.success if restored else messages.warning)(request, message)
    return back_to_gallery(request)


def _key(text: str) -> UUID:
    """A key under which nothing was deleted for what is no key."""
    try:
        return UUID(text)
    except ValueError:
        return uuid4()


def tell(request: SignedInRequest, outcome: batch.Outcome, message: str = "") -> None:
    """Say it on the next page, which offers to take back what was deleted."""
    level = messages.SUCCESS if outcome.done else messages.WARNING
    undo_tag = f"{UNDO} {outcome.deletion}" if outcome.deletion else ""
    messages.add_message(request, level, message or outcome.message, extra_tags=undo_tag)


def refused(request: SignedInRequest, error: batch.BatchRefusedError | UploadRefusedError) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"errors": [{"code": error.code, "message": error.message}]}, status=400)
    messages.error(request, error.message)
    return back_to_gallery(request)


def back_to_gallery(request: SignedInRequest) -> HttpResponse:
    """To the part of the gallery that the form stood on; where that is does not come from the request."""
    asked = QueryDict(request.POST.get("shown", "").replace("\0", ""))
    return HttpResponseRedirect(reverse("images:home") + (f"?{asked.urlencode()}" if asked else ""))
