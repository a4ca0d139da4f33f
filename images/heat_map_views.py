"""Why this label? Heat maps of one's own pictures: ask for one, see how far it is, get its drawing."""

from django.db import IntegrityError
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_http_methods, require_safe

from accounts.request import SignedInRequest
from analysis import heat_maps
from analysis.heat_maps import NothingToExplainError
from images.heat_map_page import Wish, address, heat_of, shown
from images.media import ASKED_AGAIN, etag_of, protected
from images.models import Image
from images.views import own_image
from mlmodels.inference.heat import overlay

FILENAME = "heat-map.png"


@require_http_methods(["GET", "HEAD", "POST"])
def heat_map(request: SignedInRequest, pk: int) -> HttpResponse:
    """Have the maps of a model made by POST `why`, `rank`; see how far they are.

    The page's script gets the part that changes, everybody else the whole page. 404 for labels that are not there.
    """
    image = own_image(request, pk)
    wish = Wish.read(request.POST if request.method == "POST" else request.GET)
    if request.method == "POST" and wish:
        _ask(image, wish)
    why = shown(request, image, wish)["why"]
    if wish is None or why is None:
        raise Http404("no such label")
    page = address(request, image, wish)
    if not request.headers.get("HX-Request"):
        return redirect(f"{page}#picture")
    answer = render(request, "images/_heat_map_answer.html", {"image": image, "why": why})
    answer["HX-Replace-Url"] = page
    return answer


def _ask(image: Image, wish: Wish) -> None:
    try:
        heat_maps.request(image_id=image.pk, model_key=wish.model_key)
    except (NothingToExplainError, IntegrityError) as error:  # the second: the picture is deleted just now
        raise Http404("nothing to explain") from error


@require_safe
def heat_map_overlay(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """The map of one label as a picture to lay over the other."""
    image, wish = own_image(request, pk), Wish.read(request.GET)
    maps = heat_maps.of(image.pk, wish.model_key) if wish else None
    if wish is None or maps is None or not maps.explanation:
        raise Http404("no heat map")
    heat, etag = heat_of(maps, wish.rank), etag_of(f"heat map {maps.pk} {maps.ended_at} {wish.rank}")
    answer = get_conditional_response(request, etag=etag)
    if answer is None:
        seen, size_px = maps.explanation["seen"], maps.explanation["size_px"]
        answer = HttpResponse(overlay.draw(heat, seen=seen, size_px=size_px), content_type="image/png")
        answer["Content-Disposition"] = f'inline; filename="{FILENAME}"'
    return protected(answer, cache_control=ASKED_AGAIN, etag=etag)
