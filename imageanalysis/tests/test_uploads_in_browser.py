"""Uploads in a browser when things go wrong: lost answers, lost connections, reloads, full disks, other people."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.browser import choose, visit
from imageanalysis.tests.processes import until
from images.models import Image
from images.tests.factories import PHOTOGRAPHS, drawn_picture, queued_image
from mlmodels.models import MLModel

pytestmark = [
    pytest.mark.skipif(
        chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
    ),
    pytest.mark.usefixtures("model"),
]

UPLOAD = "**/images/upload/"
COFFEE, CAT, ROCKET = (PHOTOGRAPHS / name for name in ("coffee.png", "chelsea.png", "rocket.jpg"))
MANY = ("coffee.png", "chelsea.png", "rocket.jpg", "astronaut.png", "text.png", "horse.png")
LOST = ["ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "htmx:"]
KEPT = """() => new Promise((resolve) => {
  const request = indexedDB.open("uploads", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("files", { keyPath: "id" });
  request.onsuccess = () => {
    const all = request.result.transaction("files").objectStore("files").getAll();
    all.onsuccess = () => resolve(all.result.map((record) => record.file.name).sort());
  };
})"""
LOSE_THE_FIRST_ANSWER = """() => {
  const told = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, "status");
  let lost;
  Object.defineProperty(XMLHttpRequest.prototype, "status", {
    get() { return this === (lost ??= this) ? 0 : told.get.call(this); },
  });
}"""
FULL = """IDBObjectStore.prototype.put = function () { throw new DOMException("full", "QuotaExceededError"); };"""


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, owner_client: Client) -> Iterator[Page]:
    """The upload page, signed in as `owner`."""
    with visit(browser, live_server.url, expected=LOST) as page:
        sign_in(page, live_server, owner_client)
        page.goto("/images/upload/")
        expect(page.locator("#upload.takes-drops")).to_be_visible()
        yield page


def sign_in(page: Page, live_server: LiveServer, client: Client) -> None:
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])


def row(page: Page, filename: str) -> Locator:
    return page.locator(".upload-row", has_text=filename)


def says(page: Page, summary: str) -> None:
    expect(page.locator("[data-part=summary]")).to_have_text(summary, timeout=20_000)


def lose(page: Page) -> None:
    """From now on no upload reaches the server."""
    page.route(UPLOAD, lambda route: route.abort() if route.request.method == "POST" else route.continue_())


def kept(page: Page, *names: str) -> None:
    """These files, and no others, are kept in the browser."""
    until(lambda: page.evaluate(KEPT) == sorted(names), lambda: f"kept are {page.evaluate(KEPT)}")


def test_a_picture_whose_answer_was_lost_is_sent_again_and_taken_once(page: Page) -> None:
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if answer.request.method == "POST" else None)
    page.evaluate(LOSE_THE_FIRST_ANSWER)
    choose(page, COFFEE)

    says(page, "1 of 1 uploaded")
    assert answers == [201, 201]
    assert Image.objects.get().filename == "coffee.png"


def test_while_offline_the_upload_waits_and_goes_on_by_itself(page: Page) -> None:
    page.context.set_offline(True)
    choose(page, COFFEE, CAT)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    says(page, "0 of 2 uploaded")

    page.context.set_offline(False)

    says(page, "2 of 2 uploaded")
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_what_had_not_arrived_is_sent_after_a_reload(page: Page) -> None:
    lose(page)
    page.locator("[name=priority]").select_option("high")
    choose(page, COFFEE, CAT)
    says(page, "0 of 2 uploaded · 2 interrupted")
    kept(page, "coffee.png", "chelsea.png")
    page.unroute(UPLOAD)

    page.reload()

    says(page, "2 of 2 uploaded")
    kept(page)
    assert {image.queue.priority for image in Image.objects.select_related("queue")} == {"high"}


def test_another_tab_does_not_send_what_this_one_sends_until_it_is_closed(page: Page) -> None:
    lose(page)
    choose(page, COFFEE)
    says(page, "0 of 1 uploaded · 1 interrupted")
    kept(page, "coffee.png")

    other = page.context.new_page()
    other.goto("/images/upload/")
    expect(other.locator("#upload.takes-drops")).to_be_visible()
    expect(other.locator("#uploads")).to_be_hidden()
    page.close()

    says(other, "1 of 1 uploaded")


@pytest.mark.parametrize("way", ["by the menu", "as somebody else"])
def test_who_comes_after_finds_nothing_of_it(way: str, page: Page, live_server: LiveServer, other_user: User) -> None:
    lose(page)
    choose(page, COFFEE)
    says(page, "0 of 1 uploaded · 1 interrupted")
    kept(page, "coffee.png")
    page.unroute(UPLOAD)

    if way == "by the menu":
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    else:
        client = Client()
        client.force_login(other_user)
        sign_in(page, live_server, client)
        page.goto("/images/upload/")
        expect(page.locator("#uploads")).to_be_hidden()

    kept(page)
    assert not Image.objects.exists()


def test_a_browser_without_room_says_so_and_uploads_all_the_same(page: Page) -> None:
    page.add_init_script(FULL)
    page.reload()
    lose(page)
    choose(page, COFFEE)
    expect(row(page, "coffee.png")).to_contain_text("Connection lost.")
    expect(page.get_by_text("This browser has no room to remember the files.")).to_be_visible()
    page.unroute(UPLOAD)

    row(page, "coffee.png").get_by_role("button", name="Retry").click()

    says(page, "1 of 1 uploaded")


def test_two_are_on_their_way_at_once_and_one_that_waits_can_be_left_out(page: Page) -> None:
    held: list[Route] = []
    page.route(UPLOAD, lambda route: held.append(route))
    choose(page, COFFEE, CAT, ROCKET)
    expect(page.locator(".upload-row[data-state=sending]")).to_have_count(2)
    assert len(held) == 2

    row(page, "rocket.jpg").get_by_role("button", name="Do not upload").click()
    for route in held:
        route.continue_()

    says(page, "2 of 2 uploaded")
    assert not Image.objects.filter(filename="rocket.jpg").exists()


def test_what_the_server_would_refuse_by_its_look_is_not_sent(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    (tmp_path / "empty.png").touch()
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7")
    choose(page, tmp_path / "empty.png", tmp_path / "letter.pdf")

    expect(row(page, "empty.png")).to_contain_text("The file is empty. Please choose another one.")
    expect(row(page, "letter.pdf")).to_contain_text("This is not a picture that we can read.")
    assert asked == []


def test_in_the_end_what_was_refused_is_in_sight_on_a_phone(page: Page, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 375, "height": 667})
    words = tmp_path / "words.txt"
    words.write_text("words")

    choose(page, words, *[PHOTOGRAPHS / name for name in MANY])

    says(page, f"{len(MANY)} of {len(MANY) + 1} uploaded · 1 refused")
    expect(row(page, "words.txt").locator("[data-part=name]")).to_be_in_viewport(ratio=1)
    expect(row(page, "words.txt").locator("[data-part=size]")).to_have_text("5 byte")


def test_a_folder_is_chosen_with_the_pictures_in_it(page: Page, tmp_path: Path) -> None:
    (tmp_path / "holiday" / "day 2").mkdir(parents=True)
    for name in ("notes.txt", "10.png", "9.png", "day 2/1.png"):
        (tmp_path / "holiday" / name).write_bytes(drawn_picture())

    page.set_input_files("#folder", str(tmp_path / "holiday"))

    says(page, "3 of 3 uploaded")
    assert page.locator(".upload-name").all_inner_texts() == ["9.png", "10.png", "1.png"]


def test_a_copy_is_told_with_a_link_and_can_be_removed(page: Page, owner: User, model: MLModel) -> None:
    first = queued_image(user=owner, model=model, content=ROCKET.read_bytes(), name="first.jpg")
    choose(page, ROCKET)

    expect(row(page, "rocket.jpg")).to_contain_text("You have this picture already: first.jpg")
    link = row(page, "rocket.jpg").get_by_role("link", name="first.jpg")
    expect(link).to_have_attribute("href", first.get_absolute_url())
    row(page, "rocket.jpg").get_by_role("button", name="Remove the copy").click()

    expect(row(page, "rocket.jpg").get_by_text("The copy was removed.")).to_be_visible()
    assert Image.objects.visible_to(owner).get() == first
