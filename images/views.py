"""Pages of pictures: the gallery, one picture, its timeline, its bytes, and what can be done with it."""

import re
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts import audit
from accounts.request import SignedInRequest, wants_json
from analysis import presentation, wishes
from analysis import services as analysis
from analysis.fencing import lock_entries
from analysis.models import AnalysisQueue, AnalysisResult
from analysis.pictures import is_gone
from images import batch, limits, thumbnails
from images.batch_views import tell
from images.forms import priorities_for, read_wish
from images.gallery_filters import CONFIDENCES, Filters, Shown
from images.gallery_order import Sort
from images.gallery_pages import PAGE_SIZE, Page, page_of
from images.media import ASKED_AGAIN, file_response
from images.models import Image
from images.offers import offers_for
from images.refusals import UploadRefusedError
from images.watchers import watchers
from mlmodels.models import MLModel

GALLERY_LONGEST_POLL_MS = 2000  # in a long queue some picture of the page is always about to change


def own_image(request: SignedInRequest, pk: int, *, for_change: bool = False) -> Image:
    """The person's own picture; anybody else's is as absent as one that never was.

    Before a change, in a transaction, whoever deletes it at the same moment is waited for.
    """
    if for_change:
        lock_entries(image_ids=[pk], user_id=request.user.pk)
    return get_object_or_404(Image.objects.visible_to(request.user).select_related("queue", "timeline"), pk=pk)


def choices(request: SignedInRequest) -> dict[str, Any]:
    """What the upload form and the "analyze again" form offer; each is read from the database when it is shown."""
    user = request.user
    return {
        "offers": SimpleLazyObject(lambda: offers_for(user)),
        "offered_models": SimpleLazyObject(MLModel.objects.offered),
        "priorities": priorities_for(user),
        "room": SimpleLazyObject(lambda: limits.room_taken(user)),
    }


@require_safe
def gallery(request: SignedInRequest) -> HttpResponse:
    """The person's pictures, all or those that they look for, with the upload zone above them."""
    filters = Filters.read(request.GET)
    page = page_of(request.user, filters, request.GET, with_best_label)
    shown = {"page": page, "filters": filters, "filter_choices": filter_choices(request, page), **choices(request)}
    shown |= {"waiting_count": waiting_count(request), **polling(page)}
    return render(request, "images/gallery.html", shown)


def filter_choices(request: SignedInRequest, page: Page) -> dict[str, Any]:
    """What the filters offer: of the models those with pictures of the person, also when they are no longer offered;
    before the first picture those that it may go through."""
    # "Between" in place of "equal": PostgreSQL takes it for rare and looks into the index, model by model. Of "equal"
    # it knows that most pictures went through one model, and reads them all to find none of another.
    looked_at = Image.objects.visible_to(request.user).filter(
        model_used__gte=OuterRef("pk"), model_used__lte=OuterRef("pk")
    )
    used = MLModel.objects.filter(Exists(looked_at)).order_by("name", "version")
    models = MLModel.objects.offered() if page.is_welcome else used
    return {"statuses": Shown, "models": models, "confidences": CONFIDENCES, "sorts": Sort}


def waiting_count(request: SignedInRequest) -> int:
    """How many of the person's pictures could be called off at once; one indexed statement."""
    return AnalysisQueue.objects.waiting().filter(user=request.user).count()


def with_best_label(pictures: Any) -> Any:
    best = AnalysisResult.objects.filter(rank=1).order_by("-created_at", "-id")
    return pictures.select_related("queue", "timeline").prefetch_related(
        Prefetch("results", queryset=best, to_attr="best_results")
    )


def polling(pictures: Any) -> dict[str, Any]:
    """What a page of pictures asks for next, and when: as soon as the one that changes soonest wants it."""
    waits_ms = {image.pk: presentation.next_poll_ms(image.queue) for image in pictures if image.is_unfinished}
    soonest_ms = min(filter(None, waits_ms.values()), default=GALLERY_LONGEST_POLL_MS)
    return {"live_ids": list(waits_ms), "next_poll_ms": min(soonest_ms, GALLERY_LONGEST_POLL_MS)}


@require_GET
def live(request: SignedInRequest) -> HttpResponse:
    """The cards of the pictures in `?ids=` that a gallery page still waits for: one poll for the whole page."""
    ids = [int(part) for part in re.findall(r"[0-9]{1,9}", request.GET.get("ids", ""))]
    pictures = with_best_label(Image.objects.visible_to(request.user).filter(pk__in=ids[:PAGE_SIZE]))
    shown = {"pictures": pictures, "waiting_count": waiting_count(request), **polling(pictures)}
    shown["next_poll_ms"] = max(shown["next_poll_ms"], watchers.wait_ms((request.user.pk, "gallery")))
    return render(request, "images/_live.html", shown)


@require_safe
def original(request: SignedInRequest, pk: int) -> HttpResponseBase:
    image = own_image(request, pk)
    if is_gone(image.file_path):
        return render(request, "images/gone.html", status=404)
    return file_response(image.file_path, filename=image.filename, request=request)


@require_safe
def thumbnail(request: SignedInRequest, pk: int) -> HttpResponseBase:
    image = own_image(request, pk)
    if not thumbnails.is_there(image):
        raise Http404("no thumbnail")
    name = str(image.thumbnail_path)
    try:
        return file_response(name, filename="thumbnail.jpg", request=request, cache_control=ASKED_AGAIN)
    except Http404:  # the bucket has lost it
        thumbnails.ask_for(image.pk)
        raise


@require_POST
@transaction.atomic
def analyze(request: SignedInRequest, pk: int) -> HttpResponse:
    """Analyze again, also with another model."""
    image = own_image(request, pk, for_change=True)
    if is_gone(image.file_path):
        return redirect(image)  # which says so
    try:
        wish = read_wish(request.POST, user=request.user)
        analysis.analyze_again(image_id=image.pk, model=wish.model, priority=wish.priority)
    except UploadRefusedError as error:
        messages.error(request, error.message)
    except wishes.TransitionError:
        messages.info(request, _("This picture is being analyzed already."))
    return redirect(image)


@require_POST
@transaction.atomic
def retry(request: SignedInRequest, pk: int) -> HttpResponse:
    """Run the latest model once more, with the same priority."""
    image = own_image(request, pk, for_change=True)
    if is_gone(image.file_path):
        return redirect(image)  # which says so
    try:
        analysis.retry(image_id=image.pk, may_be_urgent=request.user.is_staff)
    except wishes.TransitionError:
        messages.info(request, _("This picture is being analyzed already."))
    except analysis.ModelGoneError:
        messages.error(request, _("The model of the last run is no longer offered. Please choose another one."))
    return redirect(image)


@require_POST
def cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    image = own_image(request, pk)
    try:
        wishes.cancel(image_id=image.pk)
    except wishes.TransitionError:
        messages.info(request, _("There is nothing to cancel: the analysis is over."))
    return redirect(image)


@require_POST
def cancel_waiting(request: SignedInRequest) -> HttpResponse:
    """Call off everything of the person's that still waits; what runs goes on."""
    cancelled = wishes.cancel_waiting(user_id=request.user.pk)
    if wants_json(request):
        return JsonResponse({"cancelled": cancelled})
    sentence = ngettext("%(count)d analysis was cancelled.", "%(count)d analyses were cancelled.", cancelled)
    messages.success(request, sentence % {"count": cancelled})
    return redirect("images:home")


@require_POST
def delete(request: SignedInRequest, pk: int) -> HttpResponse:
    """Delete a picture, which the next page offers to take back."""
    image = own_image(request, pk)
    outcome = batch.act(batch.Action.DELETE, [pk], user=request.user, asked=request.POST)
    audit.record("picture_deleted", request=request, image=image)
    tell(request, outcome, _("“%(filename)s” was deleted.") % {"filename": image.filename})
    return redirect("images:home")
