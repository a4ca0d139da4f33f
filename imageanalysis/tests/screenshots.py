"""`make screenshots`: an installation with real photographs and real labels, and its pages as docs/screenshots/*.webp.

    python -m imageanalysis.tests.screenshots [FOLDER]

Starts the application as `make run` does, in a folder of its own, and leaves nothing of it behind.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skimage
from django.conf import settings
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.browser import chromium, visit
from imageanalysis.tests.processes import until

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
FINISHED = (
    *("clock_motion.png", "moon.png", "coins.png", "hubble_deep_field.jpg", "motorcycle_left.png"),
    *("camera.png", "astronaut.png", "rocket.jpg", "chelsea.png", "coffee.png"),
)
# Pictures below the screen load when somebody scrolls to them.
DRAWN = """() => Promise.all([...document.images]
    .filter((image) => image.getBoundingClientRect().top < innerHeight && image.checkVisibility())
    .map((image) => image.decode().catch(() => {})))"""
LOST, WAITING = "retina.jpg", "motorcycle_right.png"
QUALITY = 80
PATIENCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Look:
    """Any two of width, theme and language meet in LOOKS."""

    width_px: int
    theme: str
    language: str

    @property
    def options(self) -> dict[str, Any]:
        height_px = 900 if self.width_px > 1000 else 812
        return {
            "viewport": {"width": self.width_px, "height": height_px},
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
        ids = {name: sent(person, name) for name in FINISHED}
        for image_id in ids.values():
            waited_for(application, person, image_id, "success")
        photographer = Photographer(browser, application.url, person, folder)
        photographer.take(DOORS, signed_in=False)
        with application.no_worker():
            ids[LOST] = sent(person, LOST)
            newest_original(Path(own, "media")).unlink()
        waited_for(application, person, ids[LOST], "failed")
        photographer.take((*pages(ids), *DESK))
        with application.no_worker():
            ids[WAITING] = sent(person, WAITING)
            photographer.take([Shot("picture-waiting", f"/images/{ids[WAITING]}/")])


def pages(ids: dict[str, int]) -> Iterable[Shot]:
    yield Shot("gallery", "/")
    yield Shot("menu", "/", menu)
    yield Shot("upload", "/images/upload/")
    yield Shot("upload-refused", "/images/upload/", without_picture)
    yield Shot("picture", f"/images/{ids['coffee.png']}/")
    yield Shot("picture-failed", f"/images/{ids[LOST]}/")
    yield Shot("profile", "/accounts/profile/")


def sent(person: Person, name: str) -> int:
    return int(person.upload(name, (PHOTOGRAPHS / name).read_bytes())["id"])


def waited_for(application: Application, person: Person, image_id: int, status: str) -> None:
    until(lambda: bool(person.story(image_id)["status"] == status), lambda: application.log, seconds=PATIENCE_SECONDS)


def newest_original(media: Path) -> Path:
    return max(media.rglob("original.*"), key=lambda path: path.stat().st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Photographer:
    browser: Browser
    url: str
    person: Person
    folder: Path

    def take(self, shots: Iterable[Shot], *, signed_in: bool = True) -> None:
        """Each shot in each look."""
        cookies = [{"name": c.name, "value": c.value, "url": self.url} for c in self.person.client.cookies.jar]
        for look in LOOKS:
            with visit(self.browser, self.url, expected=["Failed to load resource"], **look.options) as page:
                if signed_in:
                    page.context.add_cookies(cookies)
                for shot in shots:
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
