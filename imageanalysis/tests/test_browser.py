"""The main journey in a real browser against the whole application, as `make run` starts it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.application import Application
from imageanalysis.tests.browser import choose, overflow_px, register, visit, whole
from images.tests.factories import PHOTOGRAPHS, drawn_picture

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

COFFEE, CAT = PHOTOGRAPHS / "coffee.png", PHOTOGRAPHS / "chelsea.png"
OTHERS = [PHOTOGRAPHS / "astronaut.png", PHOTOGRAPHS / "rocket.jpg"]
PHONE, DESKTOP = {"width": 375, "height": 812}, {"width": 1440, "height": 900}
ANALYSIS_MS = 60_000


def card(page: Page, filename: str) -> Locator:
    return page.locator("#pictures .picture", has_text=filename)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_newcomer_registers_uploads_photographs_and_sees_true_labels(
    application: Application, browser: Browser, screen: ViewportSize, theme: str
) -> None:
    kind = f"{screen['width']}_{theme}"
    with visit(browser, application.url, viewport=screen, color_scheme=theme) as page:
        register(page, f"newcomer_{kind}")
        expect(page.get_by_role("searchbox")).to_be_hidden()
        choose(page, *OTHERS, COFFEE, CAT)

        for filename in ("coffee.png", "chelsea.png"):
            expect(card(page, filename)).to_contain_text("Done", timeout=ANALYSIS_MS)
        expect(card(page, "coffee.png")).to_contain_text("espresso")
        expect(card(page, "chelsea.png")).to_contain_text(re.compile("cat|tabby"))
        expect(page.locator("#pictures")).not_to_contain_text("Waiting", timeout=ANALYSIS_MS)
        page.locator("#uploads").get_by_role("button", name="Close").click()

        page.get_by_role("searchbox").fill("cats")
        page.get_by_role("searchbox").press("Enter")
        expect(page.locator("#pictures .picture")).to_have_count(1)
        expect(card(page, "chelsea.png")).to_be_visible()
        page.locator("#clear-filters").click()
        card(page, "coffee.png").click()
        best = page.locator(".result").first
        expect(best).to_contain_text("espresso")
        assert float(re.findall(r"[\d.]+", best.locator(".result-confidence").inner_text())[0]) > 80
        expect(page.locator(".step-done")).to_have_count(3)
        assert overflow_px(page) <= 0


def test_a_bad_file_gets_its_sentence_and_the_good_one_goes_on(
    application: Application, browser: Browser, tmp_path: Path
) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("these are words")
    with visit(browser, application.url, expected=["400 (Bad Request)"]) as page:
        register(page, "mixed")
        choose(page, bad, COFFEE)

        row = page.locator(".upload-row", has_text="notes.jpg")
        expect(row).to_contain_text("This is not a picture that we can read.")
        expect(card(page, "coffee.png")).to_contain_text("espresso", timeout=ANALYSIS_MS)
        expect(page.locator("#pictures .picture")).to_have_count(1)


def test_many_pictures_chosen_at_once_all_end_in_success(
    application: Application, browser: Browser, tmp_path: Path
) -> None:
    names = [f"{n:02}.png" for n in range(40)]
    for n, name in enumerate(names):
        (tmp_path / name).write_bytes(drawn_picture(size=(64 + n, 64)))
    with visit(browser, application.url) as page:
        register(page, "collector")
        choose(page, *(tmp_path / name for name in names))

        expect(page.locator(".picture-state", has_text="Done")).to_have_count(40, timeout=ANALYSIS_MS)
        expect(page.locator("[data-part=summary]")).to_have_text("40 of 40 uploaded")
        page.reload()
        assert sorted(page.locator("#pictures .picture-name").all_inner_texts()) == names


MAKE_EVENT = """async ([kind, name]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
  const blob = await new Promise((resolve) => canvas.toBlob(resolve));
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], name, { type: blob.type }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_can_be_dropped_and_pasted(application: Application, browser: Browser, kind: str) -> None:
    with visit(browser, application.url) as page:
        register(page, f"hands_on_{kind}")
        expect(page.get_by_text("Drop pictures anywhere on this page")).to_be_visible()
        page.evaluate(MAKE_EVENT, [kind, f"{kind}.png"])

        expect(card(page, f"{kind}.png")).to_contain_text("Done", timeout=ANALYSIS_MS)


def test_without_javascript_the_journey_works(application: Application, browser: Browser) -> None:
    with visit(browser, application.url, java_script_enabled=False) as page:
        register(page, "plain")
        choose(page, COFFEE)
        page.get_by_role("button", name="Upload").click()

        expect(page.get_by_role("heading", name="coffee.png")).to_be_visible()
        expect(page.locator("#story")).to_contain_text("espresso", timeout=ANALYSIS_MS)


def test_the_browsers_language_decides_and_the_switch_overrides(application: Application, browser: Browser) -> None:
    with visit(browser, application.url, locale="ja-JP", viewport=PHONE) as page:
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("lang", "ja")
        assert overflow_px(page) <= 0
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.get_by_role("button", name="日本語").click()
        expect(page.locator("html")).to_have_attribute("lang", "ja")


def test_the_theme_follows_the_system_until_one_is_chosen(application: Application, browser: Browser) -> None:
    with visit(browser, application.url, color_scheme="dark") as page:
        page.goto("/")
        root = page.locator("html")
        expect(root).to_have_attribute("data-bs-theme", "dark")
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("button", name="Light").click()
        expect(root).to_have_attribute("data-bs-theme", "light")
        page.reload()
        expect(root).to_have_attribute("data-bs-theme", "light")


def test_a_picture_can_be_analyzed_again_and_deleted(application: Application, browser: Browser) -> None:
    with visit(browser, application.url) as page:
        register(page, "tidy")
        choose(page, CAT)
        expect(card(page, "chelsea.png")).to_contain_text("Done", timeout=ANALYSIS_MS)
        card(page, "chelsea.png").click()
        with page.expect_navigation():
            page.get_by_role("button", name="Analyze", exact=True).click()
        expect(page.locator("#story:not([data-poll])")).to_contain_text("cat", timeout=ANALYSIS_MS)
        whole(page)  # a preview that is still on its way would be gone with the picture
        page.get_by_role("button", name="Delete").first.click()
        page.locator("#delete").get_by_role("button", name="Delete").click()
        expect(page.locator("main")).to_contain_text("was deleted")
        expect(page.locator("#pictures .picture")).to_have_count(0)
