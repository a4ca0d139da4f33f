"""A proxy in front that keeps what it may, and two people who ask it in turns for each other's things."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.proxy import NGINX, WITHOUT, Nginx
from mlmodels.tests.photographs import photograph, written

pytestmark = pytest.mark.skipif(NGINX is None, reason=WITHOUT)
REQUESTS = 1000
# As a careless administrator may have it: every answer that does not forbid it is kept for ten minutes.
CARELESS = """
  proxy_cache_path {folder}/kept keys_zone=kept:1m; proxy_cache kept; proxy_cache_valid any 10m;
  add_header X-Cache $upstream_cache_status always;
"""
# They differ by nature: what is between the application and nginx only, and what each server says of itself. The
# tag is nginx's own, from the file's size and time: only who may have the file meets it.
OF_EACH_SERVER = {"connection", "content-length", "date", "etag", "last-modified", "server", "transfer-encoding"}
BETWEEN_THEM = {"x-accel-redirect"}


class Doors:
    """An application behind the documented proxy, which keeps what it may, and people who come that way."""

    def __init__(self, application: Application, nginx: Nginx, clients: ExitStack) -> None:
        self.application, self.nginx, self.clients = application, nginx, clients

    def person(self, username: str) -> Person:
        person = Person(self.nginx.url, username)
        self.clients.callback(person.client.close)
        return person

    def asked_directly(self, person: Person, path: str) -> httpx.Response:
        """What the application tells nginx about the same request."""
        return httpx.get(f"{self.application.url}{path}", cookies=dict(person.client.cookies))


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("behind")
    with Application(folder, MEDIA_ACCEL_PREFIX="/internal-media/", TRUSTED_PROXY_COUNT="1") as application:
        proxy = folder / "nginx"
        around = CARELESS.format(folder=proxy)
        with Nginx(proxy, application.bind, media=folder / "media", around=around) as nginx, ExitStack() as clients:
            yield Doors(application, nginx, clients)


def test_a_cache_in_front_gives_nobody_what_is_another_s(doors: Doors) -> None:
    anna, boris = doors.person("anna_of_the_north"), doors.person("boris_of_the_south")
    picture = written(photograph("coffee"), "JPEG").getvalue()
    pk = anna.upload("annas_secret.jpg", picture)["id"]
    thumbnail = anna.client.get(f"/images/{pk}/thumbnail/").content
    own = [f"/images/{pk}/{rest}" for rest in ("", "file/", "thumbnail/", "timeline/", "results.json")]
    tricks = [f"/images/{pk}/{rest}" for rest in ("nonexistent.css", "file/x.css", "file/;x.js", "file/%2e%2e/x.png")]
    both = ["/", "/images/", "/images/live/", "/accounts/profile/", "/accounts/login/", "/images/x.css"]
    style = anna.client.get("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    addresses = [*own, *tricks, *both, style]
    chance = random.Random(5)
    kept: Counter[str] = Counter()
    seen_by_owner = 0
    for _ in range(REQUESTS // 2):
        asked = chance.choice(addresses)
        for person in chance.sample((anna, boris), 2):
            answer = person.client.get(asked)
            kept[asked] += answer.headers["X-Cache"] == "HIT" if "X-Cache" in answer.headers else 0
            held = {
                thing
                for thing in (picture, thumbnail, b"anna_of_the_north", b"annas_secret")
                if thing in answer.content
            }
            if person is boris:
                assert not held, asked
            else:
                seen_by_owner += bool(held)
                assert b"boris_of_the_south" not in answer.content, asked
    assert seen_by_owner > REQUESTS / 8
    assert set(+kept) == {style}, "nothing but what is everybody's may be kept"


def without_times(value: str) -> str:
    """A cookie says when it expires, and the clock goes on between two answers."""
    return re.sub(r"expires=[^;]+", "expires=", value)


@pytest.mark.parametrize("rest", ["", "file/", "thumbnail/", "timeline/", "results.json"])
def test_what_the_application_says_of_an_answer_reaches_the_browser(rest: str, doors: Doors) -> None:
    person = doors.person(f"reader_{rest.strip('/').replace('.', '_')}")
    pk = person.upload("coffee.jpg", written(photograph("coffee"), "JPEG").getvalue())["id"]
    path = f"/images/{pk}/{rest}"

    said, met = doors.asked_directly(person, path), person.client.get(path)

    assert (said.status_code, met.status_code) == (200, 200)
    ignored = OF_EACH_SERVER | BETWEEN_THEM
    expected = {name: without_times(value) for name, value in said.headers.items() if name not in ignored}
    assert {name: without_times(met.headers.get(name, "")) for name in expected} == expected
    assert met.headers["Cache-Control"].startswith("private")
    assert {"Cookie", "Accept"} <= set(met.headers["Vary"].split(", "))
    assert not BETWEEN_THEM & set(met.headers)
    if rest in ("file/", "thumbnail/"):
        assert said.headers["X-Accel-Redirect"]
        assert met.content.startswith(b"\xff\xd8")
