"""Every page in every state that it has, as a table for the tests that look at all of them."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client, override_settings
from django.utils import translation
from playwright.sync_api import Browser, Page, Route, expect

from accounts import guessing, resets
from accounts.tests.letters import path_of
from imageanalysis.errors import broken
from imageanalysis.tests.browser import visit
from imageanalysis.tests.scenery import Scenery
from images.tests.factories import drawn_picture

Act = Callable[[Page], None]
# What Chromium writes to its console for every answer that is not a success.
EXPECTED = ("Failed to load resource", "/answered/50")


def filled(**fields: str) -> Act:
    """Fill the page's main form past the browser's own checks and send it."""

    def act(page: Page) -> None:
        form = page.locator(f":is(main, #content) form:has([name={next(iter(fields))}])")
        form.first.evaluate("form => { form.noValidate = true }")
        for name, value in fields.items():
            form.first.locator(f"[name={name}]").fill(value)
        form.first.locator("[type=submit]").first.click()
        page.wait_for_load_state()

    return act


def opened(popover: str) -> Act:
    def act(page: Page) -> None:
        page.locator(f"[popovertarget={popover}]").first.click()
        expect(page.locator(f"#{popover}")).to_be_visible()

    return act


def unfolded(*folds: str) -> Act:
    """Open these folds, one after the other; some lie in others."""

    def act(page: Page) -> None:
        for fold in folds:
            page.locator(f"{fold} > summary").click()

    return act


def enlarged(page: Page) -> None:
    page.locator("#enlarge").click()
    expect(page.locator("#lightbox output")).to_have_text(re.compile("%"))


def ticked(page: Page) -> None:
    for box in page.locator(".picture-box").all()[:2]:
        box.check()
    expect(page.locator("#batch")).to_be_visible()


def told(page: Page) -> None:
    """What was done with ticked pictures: that it failed, and as if it could be undone."""
    ticked(page)
    page.route("**/batch/", lambda route: route.abort())
    page.locator("#batch [value=delete]").click()
    expect(page.locator("#outcome")).to_be_visible()
    page.locator("#outcome form").evaluate("form => { form.hidden = false }")


def refused(page: Page) -> None:
    """Two files that are no pictures, one of them by its name only."""
    page.set_input_files("#files", [{"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are words"}])
    expect(page.locator(".upload-row [data-part=refused]")).to_be_visible()


def twice(page: Page) -> None:
    """A file that was taken, and the same once more."""
    for count in (1, 2):
        file = {"name": f"{count}.png", "mimeType": "image/png", "buffer": drawn_picture(color="navy")}
        page.set_input_files("#files", [file])
        expect(page.locator(".upload-row", has_text=f"{count}.png").locator("[data-part=taken]")).to_be_visible()


def interrupted(page: Page) -> None:
    """A file whose way to the server broke off."""
    page.route(
        "**/images/upload/", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    page.set_input_files("#files", [{"name": "lost.png", "mimeType": "image/png", "buffer": drawn_picture()}])
    expect(page.locator(".upload-row [data-part=retry]")).to_be_visible()


@dataclass(frozen=True, slots=True)
class Place:
    """A page as one person meets it; `act` brings it into its state."""

    name: str
    address: str
    person: str = ""
    act: Act = lambda page: None


def places(scene: Scenery) -> list[Place]:
    return [*doors(scene), *pages_of_people(scene), *desk(scene), *errors()]


def doors(scene: Scenery) -> Iterator[Place]:
    """What somebody who has not signed in meets."""
    login, register, reset = "/accounts/login/", "/accounts/register/", "/accounts/password-reset/"
    link = path_of(resets.link_for(scene.people["newcomer"]))
    yield Place("sign-in", login)
    yield Place("sign-in, wrong", login, act=filled(username="owner", password="not it"))
    yield Place("register", register)
    yield Place("register, wrong", register, act=filled(username="owner", email="no", password1="a", password2="b"))
    yield Place("reset", reset)
    yield Place("reset, wrong", reset, act=filled(email="no"))
    yield Place("reset sent", f"{reset}sent/")
    yield Place("reset, new password", link)
    yield Place("reset, new password, wrong", link, act=filled(new_password1="a", new_password2="b"))
    yield Place("reset, void link", f"{reset}{'0' * 43}/")
    yield Place("reset done", f"{reset}done/")
    yield Place("goodbye", "/accounts/goodbye/")
    yield Place("menu, signed out", login, act=opened("menu"))


def pages_of_people(scene: Scenery) -> Iterator[Place]:
    profile = "/accounts/profile/"
    yield Place("gallery, empty", "/", "newcomer")
    yield Place("gallery", "/", "owner")
    yield Place("gallery, filters", "/images/?status=success&q=espresso", "owner", unfolded(".finder-more"))
    yield Place("gallery, models", "/", "owner", unfolded(".offers", ".offers-hindered"))
    yield Place("gallery, nothing found", "/images/?q=zebra", "owner")
    yield Place("gallery, some selected", "/", "owner", ticked)
    yield Place("gallery, outcome", "/", "owner", told)
    yield Place("gallery, keys", "/", "owner", opened("keys"))
    yield Place("gallery, cancel all", "/", "owner", opened("cancel-waiting"))
    yield Place("menu", "/", "owner", opened("menu"))
    yield Place("upload", "/images/upload/", "owner")
    yield Place("upload, models that are not ready", "/images/upload/", "owner", unfolded(".offers-hindered"))
    yield Place("upload, refused", "/images/upload/", "newcomer", refused)
    yield Place("upload, a copy", "/images/upload/", "newcomer", twice)
    yield Place("upload, interrupted", "/images/upload/", "newcomer", interrupted)
    for state, image in scene.pictures.items():
        yield Place(f"picture, {state}", image.get_absolute_url(), "owner")
    yield Place("picture, in large", scene.pictures["done"].get_absolute_url(), "owner", enlarged)
    yield Place("picture, card", scene.pictures["compared"].get_absolute_url(), "owner", unfolded)
    yield Place("picture, delete", scene.pictures["done"].get_absolute_url(), "owner", opened("delete"))
    yield Place("picture, file of a lost one", f"{scene.pictures['lost'].get_absolute_url()}file/", "owner")
    yield Place("profile", profile, "owner")
    yield Place("profile, wrong", profile, "owner", filled(email="no", password="not it"))
    yield Place("export, none", f"{profile}data/", "newcomer")
    yield Place("export, ready", f"{profile}data/", "owner")
    yield Place("leave", f"{profile}delete/", "owner")
    yield Place("leave, wrong", f"{profile}delete/", "owner", filled(password="not it"))


def desk(scene: Scenery) -> Iterator[Place]:
    """What staff meet in the admin."""
    queue, models, people = "/admin/analysis/analysisqueue/", "/admin/mlmodels/mlmodel/", "/admin/accounts/user/"
    picture, owner = scene.pictures["compared"], scene.people["owner"]
    yield Place("desk, sign-in", "/admin/login/")
    yield Place("desk", "/admin/", "staff")
    yield Place("doctor", "/admin/doctor/", "staff")
    yield Place("queue", queue, "staff")
    yield Place("queue entry", f"{queue}{picture.queue.pk}/change/", "staff")
    yield Place("models", models, "staff")
    for state, model in scene.models.items():
        yield Place(f"model, {state}", f"{models}{model.pk}/change/", "staff")
    yield Place("model, add", f"{models}add/", "staff")
    yield Place("model, add labels", f"{models}add/labels/", "staff")
    yield Place("people", people, "staff")
    yield Place("person", f"{people}{owner.pk}/change/", "staff")
    yield Place("person, delete", f"{people}{owner.pk}/delete/", "staff")
    yield Place("person, history", f"{people}{owner.pk}/history/", "staff")
    yield Place("pictures", "/admin/images/image/", "staff")
    yield Place("pictures, filtered", "/admin/images/image/?status__exact=success", "staff")
    yield Place("results", "/admin/analysis/analysisresult/", "staff")
    yield Place("timelines", "/admin/analysis/timelinelog/", "staff")


def errors() -> Iterator[Place]:
    yield Place("403", "/admin/auth/group/", "clerk")
    yield Place("404", "/nowhere/", "owner")
    yield from (Place(name, f"/answered/{name}/", "owner") for name in MISTAKES)


def too_many_fields(client: Client) -> Any:
    return client.post("/accounts/profile/theme/", {f"field_{n}": "" for n in range(2000)})


def old_form(client: Client) -> Any:
    strict = Client(enforce_csrf_checks=True)
    strict.defaults, strict.cookies = client.defaults, client.cookies
    return strict.post("/accounts/profile/theme/")


def too_large_an_upload(client: Client) -> Any:
    with override_settings(UPLOAD_MAX_REQUEST_BYTES=1):
        return client.post("/images/upload/", {"files": SimpleUploadedFile("large.jpg", b"large")})


def guesses(client: Client) -> Any:
    client.logout()
    for number in range(guessing.ADDRESS.burst + 1):
        answer = client.post("/accounts/login/", {"username": "owner", "password": f"guess {number}"})
    return answer


def broken_by(error: Exception) -> Callable[[Client], Any]:
    def mistake(client: Client) -> Any:
        try:
            raise error
        except type(error):
            return broken(client.get("/accounts/goodbye/").wsgi_request)

    return mistake


# Answers that no address gives for the asking: each is what the application really answers to such a request.
MISTAKES: dict[str, Callable[[Client], Any]] = {
    "400": too_many_fields,
    "403 of a form": old_form,
    "413": too_large_an_upload,
    "429": guesses,
    "500": broken_by(ValueError("a fault")),
    "503": broken_by(OperationalError("gone")),
}


@contextmanager
def visits(browser: Browser, url: str, scene: Scenery, *, language: str) -> Iterator[Callable[[Place], Page]]:
    """A function that opens a place as its person and in this language, and brings it into its state.

    A person has one page, in a profile of its own, for all the places; any complaint of the browser fails the test.
    """
    with ExitStack() as stack:
        pages: dict[str, Page] = {}

        def go(place: Place) -> Page:
            if place.person not in pages:
                page = stack.enter_context(visit(browser, url, expected=EXPECTED, locale=language))
                client = Client(headers={"accept-language": language}, raise_request_exception=False)
                if place.person:
                    client.force_login(scene.people[place.person])
                    name = settings.SESSION_COOKIE_NAME
                    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
                page.route("**/answered/*/", lambda route: answer(route, client))
                pages[place.person] = page
            pages[place.person].goto(place.address)
            place.act(pages[place.person])
            return pages[place.person]

        yield go


def answer(route: Route, client: Client) -> None:
    name = unquote(route.request.url.split("/")[-2])
    with translation.override(route.request.headers["accept-language"].split(",")[0]):
        response = MISTAKES[name](client)
    route.fulfill(status=response.status_code, body=response.content, headers=dict(response.headers))
