"""Choosing a new password in a real browser, whose rules about origins and referrers no test client has."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts import resets
from accounts.tests.factories import UserFactory
from accounts.tests.letters import path_of
from imageanalysis.tests.browser import PROGRAM, chromium, overflow_px, visit

NEW_PASSWORD = "another horse battery"

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_person_follows_the_link_and_signs_in_and_nobody_else_hears_of_it(
    java_script_enabled: bool, browser: Browser, live_server: LiveServer, settings: Settings
) -> None:
    settings.MAIL_IS_ON = True
    link = path_of(resets.link_for(UserFactory.create(username="person")))
    token = link.split("/")[-2]
    options = {"java_script_enabled": java_script_enabled, "viewport": {"width": 375, "height": 812}}
    with visit(browser, live_server.url, **options) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer', '')}"))

        page.goto(link)
        assert token not in page.url
        assert overflow_px(page) == 0 or not java_script_enabled
        page.locator("[name=new_password1]").fill(NEW_PASSWORD)
        page.locator("[name=new_password2]").fill(NEW_PASSWORD)
        page.locator("main form button[type=submit]").click()
        expect(page.locator("h1")).to_have_text("Your password was changed")
        page.locator("main a.btn").click()
        page.locator("[name=username]").fill("person")
        page.locator("[name=password]").fill(NEW_PASSWORD)
        page.locator("main form button[type=submit]").click()
        expect(page.locator("#upload")).to_be_visible()

        assert [line for line in asked if token in line] == [f"{live_server.url}{link} "]
        assert all(line.startswith((live_server.url, "data:", "blob:")) for line in asked)
