"""The page of one picture in a browser: its close-up, its neighbours, the threshold, the results as JSON."""

import io
import json
import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from analysis.models import AnalysisQueue, AnalysisResult
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.browser import overflow_px, visit
from images.models import Image
from images.tests.factories import photograph, queued_image
from mlmodels.models import MLModel

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

PHONE = {"width": 375, "height": 812}
SAID = {
    "efficientnet": [("espresso", 93), ("cup", 4)],
    "resnet50": [("espresso", 61), ("cup", 30)],
    "clip": [("tea cup", 35), ("espresso", 20)],
}


@pytest.fixture
def pictures(owner: User, model: MLModel) -> list[Image]:
    """The older one was analyzed by three models, the newer one waits."""
    older, newer = (queued_image(user=owner, model=model, content=photograph(), name=f"{n}.png") for n in (1, 2))
    AnalysisQueue.objects.filter(image=older).update(status="completed")
    AnalysisResult.objects.bulk_create(
        AnalysisResult(image=older, label=label, confidence=sure, model_name=name, model_version="1", rank=rank)
        for name, labels in SAID.items()
        for rank, (label, sure) in enumerate(labels, start=1)
    )
    return [older, newer]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, pictures: list[Image], owner_client: Client) -> Iterator[Page]:
    """The page of the older picture."""
    cookie = settings.SESSION_COOKIE_NAME
    with visit(browser, live_server.url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        value = owner_client.cookies[cookie].value
        page.context.add_cookies([{"name": cookie, "value": value, "url": live_server.url}])
        page.goto(pictures[0].get_absolute_url())
        yield page


def colours(png: bytes) -> int:
    return len(Pillow.open(io.BytesIO(png)).convert("RGB").getcolors(2**24) or [])


def test_the_close_up_grows_by_keys_and_leads_to_the_next_picture(page: Page, pictures: list[Image]) -> None:
    assert colours(page.locator(".frame").screenshot()) > 1000  # the photograph, not the white sheet below it

    page.locator("#enlarge").press("Enter")
    level = page.locator("#lightbox output")
    expect(page.locator("#lightbox")).to_be_visible()
    expect(page.locator("#lightbox [data-close]")).to_be_focused()
    expect(level).to_have_text(re.compile(r"^[1-9]\d*%$"))
    fitting = level.inner_text()
    page.keyboard.press("+")
    expect(level).not_to_have_text(fitting)
    page.keyboard.press("ArrowLeft")  # moves what is enlarged
    expect(page.locator(".lightbox-stage.is-enlarged")).to_be_visible()
    page.keyboard.press("0")
    expect(level).to_have_text(fitting)
    page.mouse.move(700, 400)
    page.mouse.wheel(0, -300)
    expect(level).not_to_have_text(fitting)
    page.keyboard.press("0")

    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"{pictures[1].get_absolute_url()}#enlarged$"))
    expect(page.locator("#lightbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"{pictures[0].get_absolute_url()}$"))


def test_what_is_less_sure_is_hidden_said_and_remembered(page: Page) -> None:
    shown = page.locator("#results .result:visible")
    expect(shown).to_have_count(6)

    page.locator("#threshold-percent").fill("31")
    expect(shown).to_have_count(3)
    expect(page.locator("#results-status")).to_have_text("3 of 6 labels shown")
    page.locator("#threshold-percent").press("PageUp")
    expect(shown).to_have_count(2)
    expect(page.locator("[data-model='clip:1'] .results-none")).to_be_visible()

    page.reload()
    expect(shown).to_have_count(2)
    expect(page.locator("#threshold output")).to_have_text("41%")


def test_all_results_are_copied_as_json(page: Page, pictures: list[Image]) -> None:
    page.get_by_role("button", name="Copy JSON").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    told = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert (told["id"], len(told["models"])) == (pictures[0].pk, 3)


def test_models_stand_side_by_side_and_on_a_phone_one_below_the_other(page: Page) -> None:
    def columns() -> int:
        boxes = [box for model in page.locator("#results .results").all() if (box := model.bounding_box())]
        return len({round(box["x"]) for box in boxes})

    assert columns() == 3
    page.set_viewport_size(PHONE)
    assert columns() == 1
    assert overflow_px(page) <= 0
