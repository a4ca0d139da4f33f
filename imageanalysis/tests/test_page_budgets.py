"""What a page may cost: bytes before it can be used, movement while it follows the work, steps without a pointer."""

import gzip
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIResponse, Browser, expect
from pytest_django.live_server_helper import LiveServer

from analysis import lifecycle
from analysis.fencing import Claim
from analysis.models import AnalysisQueue
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.pages import Place, places, visits
from imageanalysis.tests.scenery import LABELS, Scenery, scenery
from mlmodels.inference.classifier import Prediction

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

FIRST_PAGE_BYTES = 150_000
COMPRESSED_ALREADY = (".woff2",)
WATCH_SHIFTS = """() => {
    window.shifts = []
    const seen = ({ value, sources }) => `${value}: ${sources.map(({ node }) => node?.className ?? node).join(", ")}`
    new PerformanceObserver((list) => {
        window.shifts.push(...list.getEntries().filter(({ hadRecentInput }) => !hadRecentInput).map(seen))
    }).observe({ type: "layout-shift", buffered: true })
}"""
# Empty once the focus has gone round and left the page. A card shows the focus of the button that it stands for.
FOCUSED = """() => {
    const focused = document.activeElement
    if (!focused || focused === document.body) return ""
    const { width, height } = focused.getBoundingClientRect()
    const isOutlined = ({ outlineStyle, outlineWidth }) => outlineStyle !== "none" && parseFloat(outlineWidth) >= 2
    const shown = width && height && [focused, focused.parentElement].map((e) => getComputedStyle(e)).some(isOutlined)
    return (shown ? "" : "INVISIBLE ") + focused.outerHTML.slice(0, 120)
}"""
FOCUSES = 60


@pytest.fixture
def scene(transactional_db: None) -> Scenery:
    return scenery()


def weight(answer: APIResponse) -> int:
    """What the body weighs after gzip; a server in front of the application compresses so."""
    body = answer.body()
    return len(body) if answer.url.endswith(COMPRESSED_ALREADY) else len(gzip.compress(body))


@pytest.mark.parametrize(("address", "person"), [("/", ""), ("/", "owner"), ("/images/upload/", "owner")])
def test_a_page_can_be_used_after_150_kilobytes(
    address: str, person: str, browser: Browser, live_server: LiveServer, scene: Scenery
) -> None:
    with visits(browser, live_server.url, scene, language="en-GB") as go:
        page = go(Place("first", address, person))
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(request.url))
        page.reload()  # until its scripts and styles are there
        files = {url for url in asked if url.startswith(live_server.url) and not url.endswith("/thumbnail/")}
        weights = {urlsplit(url).path: weight(page.request.get(url)) for url in files}

    assert sum(weights.values()) <= FIRST_PAGE_BYTES, sorted(weights.items(), key=lambda item: -item[1])
    assert len(weights) > 5


@pytest.mark.parametrize("where", ["sign-in", "gallery", "upload", "picture, compared", "desk"])
def test_a_page_names_every_script_that_it_runs_so_that_none_waits_for_another(
    where: str, browser: Browser, live_server: LiveServer, scene: Scenery
) -> None:
    place = next(place for place in places(scene) if place.name == where)
    with visits(browser, live_server.url, scene, language="en-GB") as go:
        page = go(place)
        asked: set[str] = set()
        page.on("request", lambda request: asked.add(urlsplit(request.url).path))
        page.reload()
        scripts = {path for path in asked if path.endswith(".js")}
        source = page.request.get(place.address).text()

    assert [path for path in scripts if f'"{path}"' not in source] == []
    assert len(scripts) > 3


@pytest.mark.parametrize("where", ["gallery", "picture, running", "upload"])
def test_nothing_moves_under_the_eyes_while_a_page_follows_the_work(
    where: str, browser: Browser, live_server: LiveServer, scene: Scenery
) -> None:
    place = next(place for place in places(scene) if place.name == where)
    running = scene.pictures["running"]
    with visits(browser, live_server.url, scene, language="en-GB") as go:
        page = go(place)
        page.evaluate(WATCH_SHIFTS)
        entry = AnalysisQueue.objects.get(image=running)
        lifecycle.complete({Claim.of(entry, entry.started_at): [Prediction(LABELS[0], 95.5)]})
        if where != "upload":
            expect(page.locator(f"#picture-state-{running.pk}, #story")).to_contain_text("95.5%")
        assert page.evaluate("window.shifts") == []


@pytest.mark.parametrize("where", ["sign-in", "gallery", "upload", "picture, compared", "picture, failed", "profile"])
def test_whoever_goes_through_a_page_by_keyboard_sees_where_they_are(
    where: str, browser: Browser, live_server: LiveServer, scene: Scenery
) -> None:
    place = next(place for place in places(scene) if place.name == where)
    with visits(browser, live_server.url, scene, language="en-GB") as go:
        page = go(place)
        page.locator("body").press("Tab")
        passed = [page.evaluate(FOCUSED)]
        while passed[-1] and len(passed) < FOCUSES:
            page.keyboard.press("Tab")
            passed.append(page.evaluate(FOCUSED))

    assert [element for element in passed if element.startswith("INVISIBLE")] == []
    assert "skip-link" in passed[0] or where == "sign-in"  # whose first field has the focus already
    assert len(passed) > 4
