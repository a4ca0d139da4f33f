"""One picture's page and its timeline, which the page and programs poll."""

import hashlib
import json
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from accounts.request import SignedInRequest, wants_json
from analysis import leases, presentation
from analysis.agreement import agreement
from analysis.models import AnalysisQueue
from analysis.pictures import is_gone
from analysis.presentation import Story
from analysis.run_cards import Interruption
from analysis.story_query import stories
from images import heat_map_page, thumbnails
from images.gallery_filters import Filters
from images.models import Image, Original
from images.neighbours import neighbours
from images.views import choices
from images.watchers import watchers


@require_safe
def detail(request: SignedInRequest, pk: int) -> HttpResponse:
    entry = own_entry(request, pk)
    shown = context(request, entry, presentation.story(entry))
    has_location = Original.objects.filter(image=entry.image, has_location=True).exists()
    beside = neighbours(request.user, entry.image, Filters.read(request.GET))
    shown |= heat_map_page.shown(request, entry.image, heat_map_page.Wish.read(request.GET))
    shown |= {"has_location": has_location, "neighbours": beside, "preview": preview_of(entry.image)}
    return render(request, "images/detail.html", shown)


def preview_of(image: Image) -> str:
    """The address of its thumbnail; empty where there is none, or no longer."""
    return reverse("images:thumbnail", args=[image.pk]) if thumbnails.is_there(image) else ""


@require_safe
def timeline(request: SignedInRequest, pk: int) -> HttpResponse:
    """The fragment that the page polls, or the same as JSON; 304 when it would say what the asker knows already.

    One query beside those that tell who asks, while the picture waits or runs.
    """
    entry = own_entry(request, pk)
    story = presentation.story(entry, poll_not_before_ms=watchers.wait_ms((request.user.pk, pk)))
    etag = etag_of(request, story, presentation.interruptions(entry))
    answer = get_conditional_response(request, etag=etag)
    if answer is None and wants_json(request):
        answer = JsonResponse(story)
    elif answer is None:
        answer = render(request, "images/_timeline.html", context(request, entry, story))
    answer["ETag"] = etag
    return answer


def own_entry(request: SignedInRequest, pk: int) -> AnalysisQueue:
    """The queue entry of the person's own picture, read with its story; anybody else's is absent.

    A run whose worker was not heard of for too long is taken back first, should no worker live that does.
    """
    own = stories().filter(image__in=Image.objects.visible_to(request.user), image_id=pk)
    entry = get_object_or_404(own)
    if presentation.lease_is_over(entry) and leases.take_back_expired():
        entry = get_object_or_404(own)
    return entry


def context(request: SignedInRequest, entry: AnalysisQueue, story: Story) -> dict[str, Any]:
    has_ended = story["next_poll_ms"] is None
    runs = presentation.by_model(entry)
    offers = offered(request, {run.key for run in runs}) if has_ended else {}
    told = {"story": story, "interruptions": presentation.interruptions(entry), "runs": runs}
    is_lost = is_gone(entry.image.file_path)
    return {"image": entry.image, "is_gone": is_lost, **told, "agreement": agreement(runs), **offers}


def offered(request: SignedInRequest, answered: set[str]) -> dict[str, Any]:
    """What "analyze again" offers; chosen is the first model that has not answered yet."""
    offers = choices(request)
    others = [model.key for model in offers["offered_models"] if model.key not in answered]
    return {**offers, "chosen_model": next(iter(others), None)}


def etag_of(request: SignedInRequest, story: Story, interruptions: list[Interruption]) -> str:
    """What is shown and to whom; the estimate counts by its words, for the moment that it names moves all the time."""
    shown = {**story, "progress": {**story["progress"], "estimated_completion": None}}
    asker = [
        wants_json(request),
        get_language(),
        request.headers.get("HX-Request"),
        request.COOKIES.get(settings.CSRF_COOKIE_NAME),
    ]
    content = json.dumps([shown, interruptions, asker], cls=DjangoJSONEncoder)
    return f'W/"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
