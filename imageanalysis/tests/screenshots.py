"""`make screenshots`: an installation with real photographs and real labels, and its pages as docs/screenshots/*.webp.

    python -m imageanalysis.tests.screenshots [FOLDER]

Starts the application as `make run` does, in a folder of its own, and leaves nothing of it behind.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skimage
from django.conf import settings
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from imageanalysis.tests import own_model
from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.browser import chromium, visit
from imageanalysis.tests.processes import until

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
# Pictures below the screen load when somebody scrolls to them.
DRAWN = """() => Promise.all([...document.images]
    .filter((image) => image.getBoundingClientRect().top < innerHeight && image.checkVisibility())
    .map((image) => image.decode().catch(() => {})))"""
QUALITY = 80
PATIENCE_SECONDS = 300
PATIENCE_MS = PATIENCE_SECONDS * 1000


@dataclass(frozen=True, slots=True)
class Photograph:
    """One of scikit-image's photographs, or what lies in `box` of it."""

    name: str
    source: str
    box: tuple[int, int, int, int] | None = None

    @property
    def content(self) -> bytes:
        if not self.box:
            return (PHOTOGRAPHS / self.source).read_bytes()
        written = io.BytesIO()
        Image.open(PHOTOGRAPHS / self.source).convert("RGB").crop(self.box).save(written, "JPEG", quality=92)
        return written.getvalue()


FINISHED = (
    Photograph("launch-pad.jpg", "rocket.jpg", (0, 60, 230, 420)),
    Photograph("workshop.jpg", "motorcycle_left.png", (0, 0, 400, 400)),
    Photograph("astronaut.png", "astronaut.png"),
    Photograph("crema.jpg", "coffee.png", (100, 40, 440, 330)),
    Photograph("photographer.png", "camera.png"),
    Photograph("whiskers.jpg", "chelsea.png", (120, 60, 330, 240)),
    Photograph("rocket.jpg", "rocket.jpg"),
    Photograph("helmet.jpg", "astronaut.png", (300, 280, 512, 512)),
    Photograph("motorcycle.png", "motorcycle_left.png"),
    Photograph("chelsea.png", "chelsea.png"),
    Photograph("coffee.png", "coffee.png"),
)
LOST = Photograph("retina.jpg", "retina.jpg")
WAITING = (
    Photograph("hubble.jpg", "hubble_deep_field.jpg"),
    Photograph("moon.png", "moon.png"),
    Photograph("garage.png", "motorcycle_right.png"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """Any two of width, theme and language meet in LOOKS."""

    width_px: int
    theme: str
    language: str

    @property
    def options(self) -> dict[str, Any]:
        is_phone = self.width_px < 1000
        return {
            "viewport": {"width": self.width_px, "height": 812 if is_phone else 900},
            "has_touch": is_phone,
            "is_mobile": is_phone,
            "color_scheme": self.theme,
            "locale": self.language,
            "reduced_motion": "reduce",
        }


LOOKS = (Look(1440, "light", "en"), Look(375, "dark", "en"), Look(1440, "dark", "ja"), Look(375, "light", "ja"))


@dataclass(frozen=True, slots=True)
class Shot:
    """A page by the name of its files; `act` brings it into its state."""

    name: str
    address: str
    act: Callable[[Page], None] = lambda page: None


def without_picture(page: Page) -> None:
    """Two files that are refused, one of them with a sentence that only the server knows."""
    notes = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"milk, bread"}
    page.set_input_files("#files", [notes, {**notes, "name": "holiday.jpg"}])
    expect(page.locator(".upload-row[data-state=refused]")).to_have_count(2)


def menu(page: Page) -> None:
    page.locator("[popovertarget=menu]").click()


def some_chosen(page: Page) -> None:
    for box in page.locator(".picture-box").all()[1:4]:
        box.check()


def why(page: Page) -> None:
    """The map of the best label, which a worker makes when it is asked for the first time."""
    page.locator(".why-button").first.click()
    expect(page.locator("#heat-overlay img")).to_be_visible(timeout=PATIENCE_MS)
    page.mouse.move(0, 0)


DOORS = (Shot("sign-in", "/accounts/login/"), Shot("register", "/accounts/register/"))
DESK = (
    Shot("desk", "/admin/"),
    Shot("desk-queue", "/admin/analysis/analysisqueue/"),
    Shot("desk-models", "/admin/mlmodels/mlmodel/"),
    Shot("doctor", "/admin/doctor/"),
)


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as own, Application(Path(own)) as application, chromium() as browser:
        person = Person(application.url, "mika")
        lost = lose(application, person, Path(own, "media"))
        ids = {photograph.name: sent(person, photograph) for photograph in FINISHED}
        for image_id in ids.values():
            waited_for(application, person, image_id, "success")
        photographer = Photographer(browser, application.url, person, folder)
        photographer.take(DOORS, signed_in=False)
        photographer.take(pages(ids["coffee.png"], lost))
        with photographer.visited(LOOKS[0]) as page:
            own_model.add(page, Path(own, "own.pt"), patience_ms=PATIENCE_MS)
        analyzed_again(person, ids["coffee.png"])
        until(lambda: len(models_of(person, ids["coffee.png"])) == 2, lambda: application.log, seconds=PATIENCE_SECONDS)
        photographer.take([Shot("picture-models", f"/images/{ids['coffee.png']}/"), *DESK])
        with application.no_worker():
            waiting = [sent(person, photograph) for photograph in WAITING]
            photographer.take(
                [Shot("picture-waiting", f"/images/{waiting[-1]}/"), Shot("gallery-waiting", "/", some_chosen)]
            )


def pages(coffee_id: int, lost_id: int) -> Iterable[Shot]:
    coffee = f"/images/{coffee_id}/"
    yield Shot("gallery", "/")
    yield Shot("gallery-nothing", "/images/?q=zebra")
    yield Shot("menu", "/", menu)
    yield Shot("upload", "/images/upload/")
    yield Shot("upload-refused", "/images/upload/", without_picture)
    yield Shot("picture", coffee)
    yield Shot("picture-why", coffee, why)
    yield Shot("picture-failed", f"/images/{lost_id}/")
    yield Shot("profile", "/accounts/profile/")


def sent(person: Person, photograph: Photograph) -> int:
    return int(person.upload(photograph.name, photograph.content)["id"])


def analyzed_again(person: Person, image_id: int) -> None:
    form = {"model": own_model.KEY, "priority": "normal", "csrfmiddlewaretoken": person.token}
    person.client.post(f"/images/{image_id}/analyze/", data=form).raise_for_status()


def waited_for(application: Application, person: Person, image_id: int, status: str) -> None:
    until(lambda: bool(person.story(image_id)["status"] == status), lambda: application.log, seconds=PATIENCE_SECONDS)


def models_of(person: Person, image_id: int) -> set[str]:
    return {result["model_name"] for result in person.story(image_id)["results"]}


def lose(application: Application, person: Person, media: Path) -> int:
    """A picture whose analysis fails: its file goes before a worker has seen it."""
    with application.no_worker():
        lost_id = sent(person, LOST)
        newest_original(media).unlink()
    waited_for(application, person, lost_id, "failed")
    return lost_id


def newest_original(media: Path) -> Path:
    return max(media.rglob("original.*"), key=lambda path: path.stat().st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Photographer:
    browser: Browser
    url: str
    person: Person
    folder: Path

    @contextmanager
    def visited(self, look: Look, *, signed_in: bool = True) -> Iterator[Page]:
        cookies = [{"name": c.name, "value": c.value, "url": self.url} for c in self.person.client.cookies.jar]
        with visit(self.browser, self.url, expected=["Failed to load resource"], **look.options) as page:
            if signed_in:
                page.context.add_cookies(cookies)
            yield page

    def take(self, shots: Iterable[Shot], *, signed_in: bool = True) -> None:
        """Each shot in each look."""
        wanted = list(shots)
        for look in LOOKS:
            with self.visited(look, signed_in=signed_in) as page:
                for shot in wanted:
                    page.goto(shot.address)
                    page.reload()  # with the fonts in the cache
                    shot.act(page)
                    self.keep(page, f"{shot.name}-{look.width_px}-{look.theme}-{look.language}")

    def keep(self, page: Page, name: str) -> None:
        page.evaluate(DRAWN)
        picture = Image.open(io.BytesIO(page.screenshot()))
        picture.save(self.folder / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else settings.BASE_DIR / "docs" / "screenshots")
