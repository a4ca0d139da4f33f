"""Journeys in a real browser against the whole application: what breaks, what is compared, and every way in."""

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.tests.letters import link_in
from accounts.tests.mail_server import MailServer
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.application import Application
from imageanalysis.tests.browser import PASSWORD, choose, overflow_px, register, visit
from imageanalysis.tests.processes import until
from imageanalysis.tests.screenshots import newest_original
from images.tests.factories import PHOTOGRAPHS
from mlmodels.tests.seeded_weights import seeded

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

COFFEE, CAT = PHOTOGRAPHS / "coffee.png", PHOTOGRAPHS / "chelsea.png"
SECOND_MODEL = "mobilenet:1.0.0"
NEW_PASSWORD = "another horse battery"
PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}
WORK_MS = 240_000  # a model is converted once in a run of the tests, on a busy machine for minutes
OFFLINE = ["ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "htmx:"]
TABS = 80


def uploaded(page: Page, file: Path) -> None:
    """Upload one photograph; the page is its own afterwards."""
    choose(page, file)
    page.get_by_role("link", name="Uploaded").first.click()
    expect(page.get_by_role("heading", name=file.name)).to_be_visible()


def story(page: Page) -> Locator:
    """The story once the run has ended."""
    return page.locator("#story:not([data-poll])")


def test_a_failure_says_what_to_do_and_trying_again_ends_in_labels(application: Application, browser: Browser) -> None:
    with visit(browser, application.url, expected=["404 (Not Found)"]) as page:  # the picture itself is away
        register(page, "unlucky")
        with application.no_worker():
            uploaded(page, COFFEE)
            original = newest_original(application.folder / "media")
            away = original.rename(original.with_suffix(".away"))
        expect(story(page)).to_contain_text("The analysis failed", timeout=WORK_MS)
        expect(story(page)).to_contain_text("Please upload it again.")
        expect(page.get_by_role("button", name="Try again")).to_have_count(0)  # it would fail anew

        away.rename(original)
        page.reload()
        page.get_by_role("button", name="Try again").click()
        expect(story(page)).to_contain_text("espresso", timeout=WORK_MS)
        expect(page.locator("main")).not_to_contain_text("The analysis failed")


def test_a_waiting_picture_is_cancelled_and_can_be_run_after_all(application: Application, browser: Browser) -> None:
    with visit(browser, application.url) as page:
        register(page, "hesitant")
        with application.no_worker():
            uploaded(page, COFFEE)
            page.get_by_role("button", name="Cancel the analysis").click()
            expect(story(page)).to_contain_text("The analysis was cancelled.")
        page.get_by_role("button", name="Try again").click()
        expect(story(page)).to_contain_text("espresso", timeout=WORK_MS)


def test_a_forgotten_password_is_reset_by_mail(application: Application, browser: Browser, mail: MailServer) -> None:
    with visit(browser, application.url) as page:
        register(page, "forgetful")
    with visit(browser, application.url) as page:
        page.goto("/accounts/login/")
        page.get_by_role("link", name="Forgot your password?").click()
        page.get_by_label("E-mail").fill("forgetful@example.org")
        page.locator("main form button[type=submit]").click()
        until(lambda: bool(letters_to("forgetful@example.org", mail)), lambda: application.log)
        page.goto(link_in(letters_to("forgetful@example.org", mail)[0]))
        page.locator("[name=new_password1]").fill(NEW_PASSWORD)
        page.locator("[name=new_password2]").fill(NEW_PASSWORD)
        page.locator("main form button[type=submit]").click()
        page.locator("main a.btn").click()
        page.locator("[name=username]").fill("forgetful")
        page.locator("[name=password]").fill(NEW_PASSWORD)
        page.locator("main form button[type=submit]").click()
        expect(page.locator("#upload")).to_be_visible()


def letters_to(address: str, mail: MailServer) -> list[EmailMessage]:
    return [letter for to, letter in mail.received if address in to]


def tabbed_to(page: Page, selector: str) -> None:
    """Go on with Tab until this has the focus."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


def test_the_whole_journey_by_keyboard_alone(application: Application, browser: Browser) -> None:
    with visit(browser, application.url) as page:
        # From the beginning: a chooser that opens while the browser only begins to hand it over is nobody's.
        page.on("filechooser", lambda chooser: chooser.set_files(COFFEE))
        page.goto("/accounts/register/")
        for name, value in (("username", "typist"), ("email", "typist@example.org")):
            page.evaluate("document.activeElement.blur()")
            tabbed_to(page, f"[name={name}]")
            page.keyboard.type(value)
        for name in ("password1", "password2"):
            tabbed_to(page, f"[name={name}]")
            page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#upload")).to_be_visible()

        tabbed_to(page, "#files, [for=files]")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Uploaded")).to_be_visible()
        tabbed_to(page, ".upload-row a")
        page.keyboard.press("Enter")
        expect(story(page)).to_contain_text("espresso", timeout=WORK_MS)

        tabbed_to(page, "[popovertarget=delete]")
        page.keyboard.press("Enter")
        expect(page.locator("#delete")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#delete")).to_be_hidden()
        assert page.evaluate("document.activeElement.matches('[popovertarget=delete]')")


def test_a_phone_is_used_with_a_thumb(application: Application, browser: Browser) -> None:
    with visit(browser, application.url, **PHONE) as page:
        register(page, "on_the_way")
        choose(page, CAT)
        card = page.locator("#pictures .picture", has_text="chelsea.png")
        expect(card).to_contain_text("Done", timeout=WORK_MS)
        assert overflow_px(page) <= 0
        card.locator("a").first.tap()
        expect(story(page)).to_contain_text("cat")
        assert overflow_px(page) <= 0
        page.get_by_role("button", name="Menu").tap()
        page.locator("#menu").get_by_role("link", name="Profile").tap()
        expect(page.get_by_role("heading", name="on_the_way")).to_be_visible()
        assert overflow_px(page) <= 0


def the_network(page: Page) -> Callable[[], None]:
    page.context.set_offline(True)
    return lambda: page.context.set_offline(False)


def the_server(page: Page) -> Callable[[], None]:
    """Away though the browser is online."""
    page.route("**/timeline/", lambda route: route.abort())
    return lambda: page.unroute("**/timeline/")


@pytest.mark.parametrize("lost", [the_network, the_server])
def test_a_page_says_that_it_has_lost_its_connection_and_catches_up(
    lost: Callable[[Page], Callable[[], None]], application: Application, browser: Browser
) -> None:
    with visit(browser, application.url, expected=OFFLINE) as page:
        register(page, lost.__name__)
        with application.no_worker():
            uploaded(page, COFFEE)
            expect(page.locator("#story")).to_contain_text("You are next.")
            regain = lost(page)
            expect(page.locator("[data-offline-note]")).to_be_visible()
        regain()
        expect(story(page)).to_contain_text("espresso", timeout=WORK_MS)
        expect(page.locator("[data-offline-note]")).to_be_hidden()


def by_the_browser(page: Page) -> None:
    """Back online the page tries by itself."""
    page.context.set_offline(False)


def by_hand(page: Page) -> None:
    page.unroute("**/images/upload/")
    page.locator(".upload-row [data-part=retry]").click()


@pytest.mark.parametrize(("again", "meanwhile"), [(by_the_browser, "waiting"), (by_hand, "interrupted")])
def test_an_upload_that_broke_off_is_tried_again(
    again: Callable[[Page], None], meanwhile: str, application: Application, browser: Browser
) -> None:
    with visit(browser, application.url, expected=OFFLINE) as page:
        register(page, again.__name__)
        expect(page.locator("#upload.takes-drops")).to_be_visible()  # its scripts are there
        if again is by_the_browser:
            page.context.set_offline(True)
        else:
            page.route("**/images/upload/", lambda route: route.abort())
        choose(page, COFFEE)
        expect(page.locator(".upload-row")).to_have_attribute("data-state", meanwhile)

        again(page)
        expect(page.get_by_role("link", name="Uploaded")).to_be_visible()
        expect(page.locator("#pictures .picture", has_text="coffee.png")).to_contain_text("espresso", timeout=WORK_MS)


def test_two_models_stand_beside_each_other(application: Application, browser: Browser) -> None:
    seeded(SECOND_MODEL, application.folder / "data" / "weights")  # it answers, if not wisely
    ready = f"exam of {SECOND_MODEL}: passed"  # while a worker tries new weights nobody is offered the model
    until(lambda: ready in application.log, lambda: f"never ready:\n{application.log}", seconds=WORK_MS / 1000)
    with visit(browser, application.url) as page:
        register(page, "doubter")
        uploaded(page, COFFEE)
        expect(story(page)).to_contain_text("espresso", timeout=WORK_MS)
        page.locator("form.again [name=model]").select_option(SECOND_MODEL)
        page.get_by_role("button", name="Analyze", exact=True).click()

        expect(page.locator(f"[data-model='{SECOND_MODEL}']")).to_be_visible(timeout=WORK_MS)
        expect(page.locator("[data-model]")).to_have_count(2)
        expect(page.locator("#story")).to_contain_text("The 2 models do not agree")
