"""Requests that go to one machine of an installation past the proxy, with the session of somebody who signed in."""

import re
from urllib.parse import urlencode

import httpx

from benchmarks.installation.ground import Machine
from imageanalysis.tests.application import Person

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
PATIENCE_SECONDS = 60
WHY = {"why": "efficientnet:1.0.0", "rank": "1"}


class Through:
    """A browser that reaches only this machine; without a person it has no session."""

    def __init__(self, machine: Machine, person: Person | None = None) -> None:
        cookies = dict(person.client.cookies) if person else {}
        self.client = httpx.Client(base_url=f"http://{machine.bind}", cookies=cookies, timeout=PATIENCE_SECONDS)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, *, file: tuple[str, bytes] | None = None, **form: str) -> httpx.Response:
        """Send the form of the page at this address, or of the nearest page above it that has one."""
        (token,) = TOKEN.findall(self.get(path).text)[:1] or TOKEN.findall(self.get("/accounts/profile/").text)[:1]
        files = {"checkpoint": file} if file else None
        return self.client.post(path, data={**form, "csrfmiddlewaretoken": token}, files=files)

    def language(self) -> str:
        (found,) = re.findall(r'<html[^>]*\blang="(\w+)"', self.get("/accounts/profile/").text)
        return str(found)

    def export(self) -> bytes:
        """Empty while there is none."""
        answer = self.get("/accounts/profile/data/file/")
        return answer.content if answer.is_success else b""

    def ask_for_heat_map(self, image_id: int) -> None:
        self.post(f"/images/{image_id}/heat-map/", why=WHY["why"], rank=WHY["rank"])

    def heat_map(self, image_id: int) -> bytes:
        """Empty while there is none."""
        answer = self.get(f"/images/{image_id}/heat-map/overlay.png?{urlencode(WHY)}")
        return answer.content if answer.is_success else b""
