"""A proxy in front that keeps what it may, and two people who ask it in turns for each other's things."""

import getpass
import grp
import io
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Server, free_port
from mlmodels.tests.photographs import photograph, written

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")
REQUESTS = 1000
# As a careless administrator may have it: every answer that does not forbid it is kept for ten minutes.
CONFIGURATION = """
user {user} {group}; daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  proxy_temp_path {folder}/sent; client_body_temp_path {folder}/taken;
  fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;
  proxy_cache_path {folder}/kept keys_zone=kept:1m;
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 101m;
    location / {{
      proxy_pass http://{bind};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_cache kept;
      proxy_cache_valid any 10m;
      add_header X-Cache $upstream_cache_status always;
    }}
    location /internal-media/ {{ internal; alias {media}/; disable_symlinks on; }}
  }}
}}
"""


class Nginx(Server):
    """The proxy of docs/operations.md with a cache, in front of an application."""

    def __init__(self, folder: Path, bind: str) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        media = folder.parent / "media"
        user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
        text = CONFIGURATION.format(folder=folder, port=self.port, bind=bind, media=media, user=user, group=group)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(NGINX), "-p", self.folder, "-c", self.folder / "nginx.conf"], stderr=subprocess.DEVNULL
        )
        until(self._answers, lambda: (self.folder / "errors").read_text(encoding="utf-8"))

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def people(tmp_path: Path) -> Iterator[Callable[[str], Person]]:
    """Makes people who come by way of the proxy."""
    with (
        Application(tmp_path, MEDIA_ACCEL_PREFIX="/internal-media/", TRUSTED_PROXY_COUNT="1") as application,
        Nginx(tmp_path / "nginx", application.bind) as nginx,
        ExitStack() as clients,
    ):

        def person(username: str) -> Person:
            person = Person(nginx.url, username)
            clients.callback(person.client.close)
            return person

        yield person


def test_a_cache_in_front_gives_nobody_what_is_another_s(people: Callable[[str], Person]) -> None:
    anna, boris = people("anna_of_the_north"), people("boris_of_the_south")
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


def test_what_is_private_says_so_behind_the_proxy(people: Callable[[str], Person]) -> None:
    anna = people("anna")
    pk = anna.upload("coffee.jpg", written(photograph("coffee"), "JPEG").getvalue())["id"]
    original = anna.client.get(f"/images/{pk}/file/")
    assert io.BytesIO(original.content).read(2) == b"\xff\xd8"
    for rest in ("", "file/", "timeline/", "results.json"):
        headers = anna.client.get(f"/images/{pk}/{rest}").headers
        assert (
            headers["Cache-Control"] == "private, no-store"
            if rest == "file/"
            else "private" in headers["Cache-Control"]
        )
        assert "cookie" in headers["Vary"].lower(), rest
