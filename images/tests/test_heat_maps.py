"""Why this label? From the button to the drawing, as pages and programs meet it."""

import io
import re

import numpy as np
import pytest
from django.test import Client
from django.utils import translation
from PIL import Image as Pillow

from accounts.models import User
from analysis import heat_map_runs, heat_maps, routing
from analysis.lanes import Lane
from analysis.models import HeatMaps
from analysis.tests.labelled import labelled_image
from imageanalysis.tests.servers import ROOT
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.inference.heat import overlay
from mlmodels.models import MLModel

State = HeatMaps.State
HTMX = {"HX-Request": "true"}
SEEN = (0.2, 0.0, 0.8, 1.0)


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return labelled_image(user=owner, model=model)


@pytest.fixture
def wish(model: MLModel) -> dict[str, str | int]:
    return {"why": model.key, "rank": 2}


def address(image: Image, end: str = "") -> str:
    return f"/images/{image.pk}/heat-map/{end}"


def ready(image: Image, model: MLModel, *, warm: tuple[int, int] = (0, 0), method: str = "grad_cam") -> HeatMaps:
    """Maps whose labels are all seen at one place, as a worker leaves them."""
    heat = np.zeros((7, 7), int)
    heat[warm] = 255
    labels = list(heat_maps.results_of(image.pk, model.key).values_list("label", flat=True))
    heat_maps.request(image_id=image.pk, model_key=model.key)
    making = heat_maps.claim_next(task_id="task")
    assert making is not None
    maps = [{"label": label, "heat": heat.tolist()} for label in labels]
    making.finish({"method": method, "seen": SEEN, "size_px": [600, 400], "maps": maps})
    return HeatMaps.objects.get(image=image)


def test_each_label_has_a_button_that_asks_why(owner_client: Client, image: Image) -> None:
    page = owner_client.get(f"/images/{image.pk}/").content.decode()

    assert page.count('class="why"') == 5
    assert "Why “espresso”?" in page
    assert re.search(r'<section class="heat-map" id="heat-map" hidden', page)


def test_asking_without_javascript_leads_to_the_page_that_waits_and_then_shows_the_map(
    owner_client: Client, image: Image, wish: dict[str, str | int], model: MLModel
) -> None:
    answer = owner_client.post(address(image), wish)
    assert answer["Location"] == f"/images/{image.pk}/?why=efficientnet%3A1.0.0&rank=2#picture"

    waiting = owner_client.get(answer["Location"]).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert "pictures go first" in waiting
    routing.living.keep((Lane.of("|urgent"), Lane.of(f"-{model.name}")))
    assert "No worker makes heat maps of this model" in owner_client.get(answer["Location"]).content.decode()

    assert heat_map_runs.make_next(task_id="task")
    shown = owner_client.get(answer["Location"]).content.decode()
    assert "http-equiv" not in shown
    assert "Why “cup”?" in shown
    assert "The model looked mostly at the middle." in shown
    (source,) = re.findall(r'id="heat-overlay"><img src="([^"]+)"', shown)
    assert owner_client.get(source.replace("&amp;", "&")).status_code == 200


def test_the_script_gets_what_changes_and_is_told_when_to_ask_again(
    owner_client: Client, image: Image, wish: dict[str, str | int], model: MLModel
) -> None:
    headers = {**HTMX, "HX-Current-URL": f"http://testserver/images/{image.pk}/?q=cup&why=old:1&rank=9"}
    answer = owner_client.post(address(image), wish, headers=headers)

    assert answer["HX-Replace-Url"] == f"/images/{image.pk}/?q=cup&why=efficientnet%3A1.0.0&rank=2"
    assert "load delay:700ms" in answer.content.decode()
    assert 'hx-swap-oob="innerHTML">Waiting' in answer.content.decode()
    assert heat_map_runs.make_next(task_id="task")
    polled = owner_client.get(address(image), wish, headers=headers).content.decode()
    assert "load delay" not in polled
    assert '<div class="heat-overlay" id="heat-overlay" hx-swap-oob="outerHTML"><img' in polled
    assert polled.count('class="heat-map-label"') == 5
    assert f'href="/images/{image.pk}/?q=cup"' in polled, "closing keeps what was looked for"


def test_a_page_that_has_no_address_is_no_fault_of_ours(
    owner_client: Client, image: Image, wish: dict[str, str | int], model: MLModel
) -> None:
    answer = owner_client.post(address(image), wish, headers={**HTMX, "HX-Current-URL": "http://["})

    assert answer["HX-Replace-Url"] == f"/images/{image.pk}/?why=efficientnet%3A1.0.0&rank=2"


def test_the_drawing_lies_over_the_picture_in_headers_that_keep_it_private(
    owner_client: Client, image: Image, wish: dict[str, str | int], model: MLModel
) -> None:
    ready(image, model)

    answer = owner_client.get(address(image, "overlay.png"), wish)

    drawing = Pillow.open(io.BytesIO(answer.content))
    assert (answer["Content-Type"], drawing.size) == ("image/png", (480, 320))
    original = owner_client.get(f"/images/{image.pk}/thumbnail/")
    b"".join(original)  # closes the file
    for name in ("Cache-Control", "Content-Security-Policy", "Cross-Origin-Resource-Policy", "X-Content-Type-Options"):
        assert answer[name] == original[name]
    again = owner_client.get(address(image, "overlay.png"), wish, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again["Cache-Control"]) == (304, "private, no-cache")


@pytest.mark.parametrize("wish", [{}, {"why": "clip:1.0.0", "rank": 1}, {"why": "efficientnet:1.0.0", "rank": 6}])
def test_about_what_is_not_there_nobody_learns_anything(
    owner_client: Client, image: Image, wish: dict[str, str | int], model: MLModel
) -> None:
    ready(image, model)

    assert owner_client.post(address(image), wish).status_code == 404
    assert owner_client.get(address(image), wish, headers=HTMX).status_code == 404
    assert owner_client.get(address(image, "overlay.png"), wish).status_code == 404
    assert owner_client.get(f"/images/{image.pk}/", wish).status_code == 200


def test_a_strangers_map_is_not_there(image: Image, wish: dict[str, str | int], model: MLModel) -> None:
    ready(image, model)
    stranger = Client()
    stranger.force_login(queued_image().user)

    assert stranger.get(address(image, "overlay.png"), wish).status_code == 404
    assert stranger.post(address(image), wish).status_code == 404


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("worker_lost", "The worker stopped while it made the heat map. Please try again."),
        ("file_missing", "The picture's file is missing on the server. Please upload it again."),
        ("label_unknown", "The model no longer knows this label. Please analyze the picture again."),
        ("internal_error", "Something went wrong on our side. Please try again."),
    ],
)
def test_a_map_that_failed_says_why_and_can_be_asked_for_again(
    owner_client: Client, image: Image, wish: dict[str, str | int], code: str, sentence: str
) -> None:
    owner_client.post(address(image), wish)
    making = heat_maps.claim_next(task_id="task")
    assert making is not None
    making.fail(code)

    page = owner_client.get(address(image), wish, headers=HTMX).content.decode()
    assert sentence in page.replace("&#x27;", "'")
    assert "Try again" in page
    owner_client.post(address(image), wish)
    assert HeatMaps.objects.get().state == State.WAITING


def test_the_words_are_there_in_japanese(
    owner_client: Client, image: Image, wish: dict[str, str | int], model: MLModel
) -> None:
    ready(image, model, method="occlusion")

    with translation.override("ja"):
        page = owner_client.get(f"/images/{image.pk}/", wish, headers={"Accept-Language": "ja"}).content.decode()

    assert "モデルは主に左上を見ていました。" in page
    assert "The model" not in page


def test_the_legend_has_the_colours_of_the_map() -> None:
    css = (ROOT / "static" / "css" / "heat_map.css").read_text(encoding="utf-8")

    assert f"to right, {', '.join(overlay.COLOURS)})" in css
