"""Why this label? The whole way in a real browser, with the whole application behind it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.application import Application
from imageanalysis.tests.browser import choose, register, visit
from images.tests.factories import PHOTOGRAPHS

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

WAIT_MS = 120_000


@pytest.fixture(scope="module")
def storage(application: Application, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookies of somebody whose cup of coffee has been analyzed."""
    path: Path = tmp_path_factory.mktemp("cookies") / "state.json"
    with visit(browser, application.url) as page:
        register(page, "curious")
        choose(page, PHOTOGRAPHS / "coffee.png")
        expect(page.locator("#pictures .picture")).to_contain_text("espresso", timeout=WAIT_MS)
        page.context.storage_state(path=path)
    return path


def open_picture(page: Page) -> None:
    page.goto("/")
    page.locator("#pictures .picture a").first.click()
    expect(page.locator(".result")).to_have_count(5)


def opacity_of_map(page: Page) -> float:
    return float(page.locator("#heat-overlay img").evaluate("map => getComputedStyle(map).opacity"))


def test_a_label_is_asked_why_and_its_heat_lies_over_the_picture(
    application: Application, browser: Browser, storage: Path
) -> None:
    with visit(browser, application.url, storage_state=storage, reduced_motion="reduce") as page:
        open_picture(page)
        page.get_by_role("button", name="Why “espresso”?").focus()
        page.keyboard.press("Enter")

        expect(page.locator("#heat-map")).to_contain_text("The model looked mostly at", timeout=WAIT_MS)
        expect(page.locator("#heat-map-status")).to_contain_text("The model looked mostly at")
        overlay = page.locator("#heat-overlay img")
        expect(overlay).to_be_visible()
        drawn, shown = overlay.bounding_box(), page.locator("#picture > img").last.bounding_box()
        assert drawn == shown, "the map lies over its picture"
        assert opacity_of_map(page) == pytest.approx(0.75)
        page.get_by_label("Opacity").focus()
        page.keyboard.press("Home")
        assert opacity_of_map(page) == 0
        expect(page).to_have_url(re.compile(r"why=efficientnet%3A1\.0\.0&rank=1"))

        page.get_by_role("link", name="cup", exact=True).click()
        expect(page.get_by_role("heading", name="Why “cup”?")).to_be_visible()
        assert opacity_of_map(page) == 0, "the slider stays where it was put"
        page.reload()
        expect(page.get_by_role("heading", name="Why “cup”?")).to_be_visible()
        page.locator("#heat-map").get_by_role("link", name="Close").click()
        expect(page.locator("#heat-map")).to_be_hidden()
        expect(page.locator("#heat-overlay img")).to_have_count(0)


def test_without_javascript_the_page_shows_the_map_as_well(
    application: Application, browser: Browser, storage: Path
) -> None:
    with visit(browser, application.url, storage_state=storage, java_script_enabled=False) as page:
        open_picture(page)
        page.get_by_role("button", name="Why “espresso”?").click()

        expect(page.locator("#heat-overlay img")).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_label("Opacity")).to_be_hidden()
