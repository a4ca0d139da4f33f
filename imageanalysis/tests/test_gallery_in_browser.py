"""The gallery in a real browser: choosing pictures by mouse, finger and without scripts, and what is done with them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from analysis.models import AnalysisQueue
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.browser import visit
from imageanalysis.tests.servers import Broker
from images import thumbnails
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel

pytestmark = [
    pytest.mark.skipif(
        chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
    ),
    pytest.mark.django_db(transaction=True),
]

PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}

Gallery = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def pictures(owner: User, model: MLModel) -> list[Image]:
    """Five that are done, in the order in which the gallery shows them."""
    images = [queued_image(user=owner, model=model, name=f"{n}.png") for n in range(5)]
    Image.objects.update(status="success")
    AnalysisQueue.objects.update(status="completed")
    return images[::-1]


@pytest.fixture
def gallery(browser: Browser, live_server: LiveServer, broker: Broker, owner_client: Client) -> Gallery:
    """The owner's gallery in a browser."""

    @contextmanager
    def opened(**options: Any) -> Iterator[Page]:
        name = django_settings.SESSION_COOKIE_NAME
        with visit(browser, live_server.url, **options) as page:
            page.context.add_cookies(
                [{"name": name, "value": owner_client.cookies[name].value, "url": live_server.url}]
            )
            page.goto("/")
            yield page

    return opened


def card(page: Page, image: Image) -> Locator:
    return page.locator(f"#picture-{image.pk}")


def box(page: Page, image: Image) -> Locator:
    return card(page, image).get_by_role("checkbox")


def chosen(page: Page) -> list[int]:
    return [int(box.input_value()) for box in page.locator(".picture-box:checked").all()]


def test_pictures_are_chosen_by_box_and_in_a_row_and_the_bar_offers_what_is_possible(
    gallery: Gallery, pictures: list[Image]
) -> None:
    with gallery() as page:
        bar, outcome = page.get_by_role("form", name="Selected pictures"), page.locator("#outcome")
        expect(bar).to_be_hidden()
        box(page, pictures[0]).check()
        card(page, pictures[2]).get_by_role("link").click(modifiers=["Shift"])
        assert chosen(page) == [image.pk for image in pictures[:3]]
        expect(bar).to_contain_text("3 selected")
        expect(bar.get_by_role("button", name="Cancel the analysis")).to_be_hidden()

        with page.expect_download() as download:
            bar.get_by_role("button", name="CSV").click()
        assert download.value.path().read_text("utf-8-sig").count("\n") == 4

        bar.get_by_role("button", name="Analyze").click()
        expect(outcome).to_contain_text("3 pictures will be analyzed.")
        expect(card(page, pictures[0])).to_contain_text("Waiting")
        expect(bar).to_be_hidden()

        card(page, pictures[0]).get_by_role("link").click(modifiers=["Shift"])
        bar.get_by_role("button", name="Select all on this page").click()
        expect(page.locator("#said")).to_have_text("5 selected")
        bar.get_by_role("button", name="Cancel the analysis").click()
        expect(outcome).to_contain_text("3 analyses were cancelled. 2 have nothing to cancel.")
        assert chosen(page) == [image.pk for image in pictures[3:]]
        expect(card(page, pictures[0])).to_contain_text("Cancelled")
        bar.get_by_role("button", name="Clear the selection").click()
        expect(bar).to_be_hidden()


def test_a_finger_that_stays_on_a_picture_chooses_it_and_then_taps_choose(
    gallery: Gallery, pictures: list[Image]
) -> None:
    with gallery(**PHONE) as page:
        where = card(page, pictures[0]).bounding_box()
        assert where
        touch = page.context.new_cdp_session(page)
        points = [{"x": where["x"] + where["width"] / 2, "y": where["y"] + where["width"] / 2}]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
        expect(box(page, pictures[0])).to_be_checked()
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        card(page, pictures[1]).get_by_role("link").tap()
        expect(box(page, pictures[1])).to_be_checked()
        assert chosen(page) == [image.pk for image in pictures[:2]]
        assert page.url.endswith("/")
        assert chromium_.overflow_px(page) <= 0


def test_deleted_pictures_are_gone_at_once_and_an_undo_puts_them_back_where_they_were(
    gallery: Gallery, pictures: list[Image]
) -> None:
    shown = [image.filename for image in pictures]
    with gallery() as page:
        names, outcome = page.locator("#pictures .picture-name"), page.locator("#outcome")
        for image in pictures[1:4:2]:
            box(page, image).check()
        page.get_by_role("button", name="Delete").click()
        expect(outcome).to_contain_text("2 pictures were deleted.")
        expect(names).to_have_text([shown[0], shown[2], shown[4]])

        outcome.get_by_role("button", name="Undo").click()
        expect(outcome).to_contain_text("2 pictures are back.")
        expect(names).to_have_text(shown)
        page.reload()
        expect(names).to_have_text(shown)


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_when_all_are_deleted_the_next_page_offers_to_undo_it(
    java_script_enabled: bool, gallery: Gallery, pictures: list[Image]
) -> None:
    with gallery(java_script_enabled=java_script_enabled) as page:
        for image in pictures:
            box(page, image).check()
        page.get_by_role("button", name="Delete").click()
        expect(page.locator("[data-empty]")).to_be_visible()
        expect(page.get_by_role("status").first).to_contain_text("5 pictures were deleted.")

        page.get_by_role("button", name="Undo").first.click()
        expect(page.locator("main")).to_contain_text("5 pictures are back.")
        expect(page.locator("#pictures .picture")).to_have_count(5)


def in_focus(page: Page) -> str:
    """The file name of the card that has the focus."""
    return str(page.locator(".picture:focus-within .picture-name").inner_text())


def test_the_whole_grid_is_at_hand_by_keyboard(gallery: Gallery, pictures: list[Image]) -> None:
    names = [image.filename for image in pictures]
    with gallery(viewport={"width": 700, "height": 900}) as page:  # three in a row
        said, keys, search = (
            page.locator("#said"),
            page.get_by_role("dialog", name="Keys"),
            page.get_by_role("searchbox"),
        )
        page.keyboard.press("?")
        expect(keys).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        expect(search).to_be_focused()
        page.keyboard.type("a?/")
        expect(search).to_have_value("a?/")

        stops = page.locator("#pictures [tabindex='0']")
        expect(stops).to_have_count(2)  # of the first card: its link and its box
        stops.first.focus()
        for key, expected in (
            ("ArrowRight", 1),
            ("ArrowDown", 4),
            ("ArrowDown", 4),
            ("ArrowUp", 1),
            ("End", 4),
            ("Home", 0),
        ):
            page.keyboard.press(key)
            assert in_focus(page) == names[expected]
        expect(stops).to_have_count(2)

        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+Space")
        expect(said).to_have_text("3 selected")
        page.keyboard.press("Escape")
        expect(said).to_have_text("0 selected")
        page.keyboard.press("Delete")
        expect(said).to_have_text("1 picture was deleted.")
        assert in_focus(page) == names[3]
        page.locator("#outcome").get_by_role("button", name="Undo").press("Enter")
        expect(said).to_have_text("1 picture is back.")
        assert in_focus(page) == names[2]
        page.keyboard.press("a")
        expect(said).to_have_text("5 selected")
        page.keyboard.press("a")
        expect(said).to_have_text("0 selected")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=names[2])).to_be_visible()


def test_single_keys_can_be_switched_off_and_stay_off(gallery: Gallery, pictures: list[Image]) -> None:
    with gallery() as page:
        keys = page.get_by_role("dialog", name="Keys")
        page.get_by_role("button", name="Keys of the gallery").click()
        keys.get_by_role("checkbox").uncheck()
        keys.get_by_role("button", name="Close").click()
        page.reload()
        page.locator("#pictures a").first.focus()
        page.keyboard.press("a")
        page.keyboard.press("?")
        page.keyboard.press("ArrowRight")

        assert in_focus(page) == pictures[1].filename
        expect(keys).to_be_hidden()
        assert chosen(page) == []


def test_a_lost_connection_is_told_and_the_choice_stays(gallery: Gallery, pictures: list[Image]) -> None:
    with gallery(expected=["ERR_FAILED"]) as page:
        box(page, pictures[0]).check()
        page.route("**/batch/", lambda route: route.abort())
        page.get_by_role("button", name="Analyze").click()

        expect(page.locator("#outcome")).to_contain_text("The connection broke off.")
        assert chosen(page) == [pictures[0].pk]


def test_without_javascript_ticked_pictures_are_analyzed_and_cancelled(gallery: Gallery, pictures: list[Image]) -> None:
    with gallery(java_script_enabled=False) as page:
        for image in pictures[:2]:
            box(page, image).check()
        page.get_by_role("button", name="Analyze").click()
        expect(page.locator("main")).to_contain_text("2 pictures will be analyzed.")

        for image in pictures[1:3]:
            box(page, image).check()
        page.get_by_role("button", name="Cancel the analysis").click()
        expect(page.locator("main")).to_contain_text("1 analysis was cancelled. 1 has nothing to cancel.")


def test_a_lost_thumbnail_shows_its_place_until_it_is_made_anew(
    gallery: Gallery, pictures: list[Image], settings: Settings
) -> None:
    lost = Path(settings.MEDIA_ROOT) / str(pictures[0].thumbnail_path)
    lost.unlink()
    with gallery(expected=["404 (Not Found)"]) as page:
        with page.expect_request(lambda request: request.method == "HEAD"):  # where a bucket lacks it only this tells
            page.reload()
        thumbnail = card(page, pictures[0]).locator("img")
        expect(thumbnail).to_have_js_property("naturalWidth", 0)
        expect(thumbnail).to_have_js_property("complete", True)
        thumbnails.make(pictures[0].pk)
        expect(thumbnail).not_to_have_js_property("naturalWidth", 0)
