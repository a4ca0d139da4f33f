"""What a picture's page shows when somebody asks why a model gave a label: a wait, a heat map, or what went wrong."""

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

import numpy as np
from django.http import Http404, HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from accounts.request import address_in
from analysis import failures, heat_maps, pausing, routing
from analysis.heat_map_model import HOTTEST
from analysis.models import AnalysisResult, HeatMaps
from images.models import Image
from mlmodels.inference.heat.place import Place, place_of

POLL_MS = 700

State = HeatMaps.State

PLACES = {
    Place.UPPER_LEFT: gettext_lazy("The model looked mostly at the upper left."),
    Place.UPPER: gettext_lazy("The model looked mostly at the top."),
    Place.UPPER_RIGHT: gettext_lazy("The model looked mostly at the upper right."),
    Place.LEFT: gettext_lazy("The model looked mostly at the left."),
    Place.MIDDLE: gettext_lazy("The model looked mostly at the middle."),
    Place.RIGHT: gettext_lazy("The model looked mostly at the right."),
    Place.LOWER_LEFT: gettext_lazy("The model looked mostly at the lower left."),
    Place.LOWER: gettext_lazy("The model looked mostly at the bottom."),
    Place.LOWER_RIGHT: gettext_lazy("The model looked mostly at the lower right."),
    Place.ALL_OVER: gettext_lazy("The model looked at the picture as a whole."),
    Place.NOWHERE: gettext_lazy("No part of the picture spoke for this label by itself."),
}
METHODS = {
    "grad_cam": gettext_lazy(
        "Made with Grad-CAM: the network's last feature map, weighted by what each feature adds to this label's score."
    ),
    "occlusion": gettext_lazy(
        "Made by covering the picture patch by patch: where it is warm, covering that part lowered this label's score."
    ),
}
FAILURES = {
    heat_maps.WORKER_LOST: gettext_lazy("The worker stopped while it made the heat map. Please try again."),
    heat_maps.INTERNAL_ERROR: gettext_lazy("Something went wrong on our side. Please try again."),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose label is to be explained: a model's, by its rank among that model's results."""

    model_key: str
    rank: int

    @classmethod
    def read(cls, said: QueryDict) -> Self | None:
        """From `?why=name:version&rank=1`; None where nothing or nonsense is asked."""
        model_key, rank = str(said.get("why", "")).replace("\0", ""), str(said.get("rank", ""))
        return cls(model_key, int(rank)) if model_key and re.fullmatch("[0-9]{1,3}", rank) else None

    @property
    def query(self) -> str:
        return urlencode({"why": self.model_key, "rank": self.rank})


def address(request: HttpRequest, image: Image, wish: Wish | None) -> str:
    """The picture's page with this wish, and else as the asker has it before them: it says what else they look for."""
    on_screen = address_in(request, "HX-Current-URL").query if request.headers.get("HX-Request") else None
    query = QueryDict(request.META.get("QUERY_STRING", "") if on_screen is None else on_screen, mutable=True)
    for name in ("why", "rank"):
        query.pop(name, None)
    asked = "&".join(filter(None, [query.urlencode(), wish.query if wish else ""]))
    return f"{image.get_absolute_url()}?{asked}" if asked else image.get_absolute_url()


def shown(request: HttpRequest, image: Image, wish: Wish | None) -> dict[str, Any]:
    """For the templates: `why`, or None in it when nothing is asked, or about a label that is not there."""
    results = list(heat_maps.results_of(image.pk, wish.model_key)) if wish else []
    asked = next((result for result in results if wish and result.rank == wish.rank), None)
    if wish is None or asked is None:
        return {"why": None}
    maps = heat_maps.of(image.pk, wish.model_key)
    links = [(result, Wish(wish.model_key, result.rank)) for result in results]
    why = {
        "wish": wish,
        "result": asked,
        "state": maps.state if maps else "",
        "page_without": address(request, image, None),
        "labels": [(result, other.query, address(request, image, other)) for result, other in links],
    }
    return {"why": why | (_told(image, maps, asked, wish) if maps else {})}


def _told(image: Image, maps: HeatMaps, asked: AnalysisResult, wish: Wish) -> dict[str, Any]:
    if maps.is_under_way:
        return {"next_poll_ms": POLL_MS, "percentage": _percentage(maps), "sentence": _wait(maps)}
    if maps.state == State.FAILED:
        return {"sentence": FAILURES.get(maps.code) or _failure(maps.code)}
    return _ready(image, maps, asked, wish)


def _percentage(maps: HeatMaps) -> int:
    return 100 * maps.done // maps.total if maps.total else 0


def _wait(maps: HeatMaps) -> str:
    if maps.state == State.RUNNING:
        return _("Looking at the picture again …") if maps.total else _("Loading the model …")
    if pausing.is_paused():
        return _("The queue is paused. The heat map is made when it goes on.")
    if not routing.explainers(maps.model_key):
        return _("No worker makes heat maps of this model at the moment; nothing is lost.")
    return _("Waiting for a moment in which no picture waits: pictures go first.")


def _failure(code: str) -> str:
    known = failures.BY_CODE.get(code)
    return _(known.message) if known else str(FAILURES[heat_maps.INTERNAL_ERROR])


def heat_of(maps: HeatMaps, rank: int) -> NDArray[np.float64]:
    """The map of the label of this rank, from 0 to 1; raises Http404 where there is none."""
    drawn = maps.explanation.get("maps", [])
    if not 1 <= rank <= len(drawn):
        raise Http404("no such map")
    heat: NDArray[np.float64] = np.array(drawn[rank - 1]["heat"], np.float64) / HOTTEST
    return heat


def _ready(image: Image, maps: HeatMaps, asked: AnalysisResult, wish: Wish) -> dict[str, Any]:
    seen = maps.explanation["seen"]
    made_at = maps.ended_at.timestamp() if maps.ended_at else 0
    return {
        "overlay": f"{reverse('images:heat_map_overlay', args=[image.pk])}?{wish.query}&made={made_at:.0f}",
        "sentence": PLACES[place_of(heat_of(maps, asked.rank), seen)],
        "method": METHODS[maps.explanation["method"]],
        "sees_a_part": tuple(seen) != (0, 0, 1, 1),
    }
