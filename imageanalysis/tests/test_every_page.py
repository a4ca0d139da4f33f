"""Every page in every state, in both languages and themes, on phone and desktop: accessible, still,
within the screen, and in Japanese nothing but Japanese.

axe-core does the looking; it comes with the package axe-playwright-python.
"""

from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from imageanalysis.tests import browser as chromium_
from imageanalysis.tests import english
from imageanalysis.tests.browser import overflow_px
from imageanalysis.tests.pages import places, visits
from imageanalysis.tests.scenery import scenery

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# As a function, which Playwright calls without `eval`: the pages' policy forbids that. Preloading would write styles
# into the page, which it forbids, too. The icon in Django's two lists of permissions is Django's.
LOAD_AXE = f"() => {{ {AXE} }}"
VIOLATIONS = """async () => {
    const options = { resultTypes: ["violations"], preload: false, rules: { "target-size": { enabled: true } } };
    const found = await axe.run({ exclude: [".selector .help-tooltip"] }, options);
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html, any, all, none }) =>
        `${id}: ${html.slice(0, 160)} ${[...any, ...all, ...none].map(({ message }) => message).join("; ")}`));
}"""
DRAWN = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
MOVING = "() => document.getAnimations().filter(({ playState }) => playState === 'running').length"

DESKTOP, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=375, height=812)
NARROWEST = ViewportSize(width=320, height=640)
# Any two of language, size and theme meet.
LOOKS = {"en-GB": ((DESKTOP, "light"), (PHONE, "dark")), "ja-JP": ((DESKTOP, "dark"), (PHONE, "light"))}


def faults(page: Page, language: str) -> dict[str, list[str]]:
    """What is wrong with this page as it stands, by look."""
    found = {}
    page.evaluate(LOAD_AXE)
    for size, theme in LOOKS[language]:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate(DRAWN)
        found[f"{size['width']} {theme}"] = page.evaluate(VIOLATIONS)
    page.set_viewport_size(NARROWEST)
    found["too wide for 320"] = [f"{px} px"] if (px := overflow_px(page)) > 0 else []
    found["moving"] = [f"{count} animations"] if (count := page.evaluate(MOVING)) else []
    if language.startswith("ja"):
        found["English"] = english.left_in(page)
    return {look: lines for look, lines in found.items() if lines}


@pytest.mark.parametrize("language", LOOKS)
def test_no_page_in_any_state_has_a_fault(
    language: str, browser: Browser, live_server: LiveServer, settings: Settings
) -> None:
    settings.MAIL_IS_ON = True
    scene = scenery()
    found = {}
    with visits(browser, live_server.url, scene, language=language) as go:
        for place in places(scene):
            page = go(place)
            assert language.startswith(page.locator("html").get_attribute("lang"))
            if wrong := faults(page, language):
                found[place.name] = wrong

    assert found == {}
