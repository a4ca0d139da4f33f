"""Many pictures at once: what the bar of the gallery asks for, from a form or from a program."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.request import SignedInRequest, wants_json
from images import batch
from images.refusals import UploadRefusedError


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
    (messages.success if outcome.done else messages.warning)(request, outcome.message)
    return back_to_gallery(request)


def refused(request: SignedInRequest, error: batch.BatchRefusedError | UploadRefusedError) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"errors": [{"code": error.code, "message": error.message}]}, status=400)
    messages.error(request, error.message)
    return back_to_gallery(request)


def back_to_gallery(request: SignedInRequest) -> HttpResponse:
    """To the part of the gallery that the form stood on; where that is does not come from the request."""
    asked = QueryDict(request.POST.get("shown", "").replace("\0", ""))
    return HttpResponseRedirect(reverse("images:home") + (f"?{asked.urlencode()}" if asked else ""))
