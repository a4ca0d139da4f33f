"""The profile in a real browser: what follows a person, the file with their data, and leaving."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.application import Application
from imageanalysis.tests.browser import PASSWORD, choose, overflow_px, register, sign_in, visit
from images.tests.factories import PHOTOGRAPHS

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

COFFEE = PHOTOGRAPHS / "coffee.png"
PHONE: ViewportSize = {"width": 375, "height": 812}
WORKER_MS = 60_000


def test_what_a_person_has_chosen_follows_them_and_other_browsers_are_signed_out(
    application: Application, browser: Browser
) -> None:
    with visit(browser, application.url) as page, visit(browser, application.url, viewport=PHONE) as phone:
        register(page, "chooser")
        page.goto("/accounts/profile/")
        with page.expect_response("**/theme/"):
            page.locator("main").get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        page.locator("main").get_by_role("button", name="日本語").click()
        expect(page.locator("html")).to_have_attribute("lang", "ja")

        sign_in(phone, "chooser")
        phone.goto("/accounts/profile/")
        expect(phone.locator("html")).to_have_attribute("data-bs-theme", "dark")
        expect(phone.locator("html")).to_have_attribute("lang", "ja")
        assert overflow_px(phone) <= 0

        phone.get_by_role("button", name="ほかのブラウザーをすべてログアウトさせる").click()
        expect(phone.locator("main")).to_contain_text("ほかの 1 個のブラウザーをログアウトさせました。")
        page.goto("/accounts/profile/")
        expect(page.locator("[name=username]")).to_be_visible()


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_person_takes_their_data_along_and_leaves(
    java_script_enabled: bool, application: Application, browser: Browser
) -> None:
    name = "leaver" if java_script_enabled else "plain_leaver"
    of_others = stored_in(application)
    with visit(browser, application.url, java_script_enabled=java_script_enabled) as page:
        register(page, name)
        choose(page, COFFEE)
        if not java_script_enabled:
            page.get_by_role("button", name="Upload").click()
        expect(page.locator("main")).to_contain_text("espresso", timeout=WORKER_MS)
        page.goto("/accounts/profile/")
        page.get_by_role("link", name="Download my data").click()
        page.get_by_role("button", name="Make the file").click()
        while not java_script_enabled and page.get_by_role("link", name="Look again").is_visible():
            page.get_by_role("link", name="Look again").click()
        expect(page.locator("#export")).to_contain_text("Your file is ready", timeout=WORKER_MS)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download", exact=True).click()
        with ZipFile(download.value.path()) as archive:
            assert len(archive.namelist()) == 4

        page.goto("/accounts/profile/delete/")
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Delete my account for good").click()
        expect(page.get_by_role("heading", name="Goodbye")).to_be_visible()
    assert stored_in(application) <= of_others


def stored_in(application: Application) -> set[Path]:
    return set((application.folder / "media").rglob("*.*"))
