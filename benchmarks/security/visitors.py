"""Visitors of a running application, each from a loopback address of its own, and the accounts that they try."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from imageanalysis.tests.application import EMBEDDED
from imageanalysis.tests.browser import PASSWORD
from imageanalysis.tests.servers import ROOT

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
MAKE_ACCOUNTS = """
from accounts.models import User
from django.contrib.auth.hashers import make_password
kinds = {"known": {}, "disabled": {"is_active": False}, "unusable": {}}
password = make_password("correct horse battery")
for kind, fields in kinds.items():
    User.objects.bulk_create([
        User(username=f"%(prefix)s_{kind}_{n}", email=f"%(prefix)s_{kind}_{n}@example.org",
             password="!" + "x" * 40 if kind == "unusable" else password, is_staff=kind == "known", **fields)
        for n in range(%(count)d)
    ])
"""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    seconds: float


def make_accounts(folder: Path, prefix: str, count: int) -> None:
    """`count` accounts each that are known, switched off, and without a usable password, past all forms."""
    inherited = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
    environment = {**inherited, "DATA_DIR": str(folder / "data"), "MEDIA_ROOT": str(folder / "media")}
    script = MAKE_ACCOUNTS % {"prefix": prefix, "count": count}
    subprocess.run([sys.executable, "manage.py", "shell", "-c", script], cwd=ROOT, env=environment, check=True)


def address(network: int, number: int) -> str:
    """A loopback address; Linux has sixteen million."""
    return f"127.{network}.{number // 250}.{number % 250 + 1}"


class Visitor:
    """A browser without a past, coming from `address`."""

    def __init__(self, url: str, address: str) -> None:
        transport = httpx.HTTPTransport(local_address=address)
        self.client = httpx.Client(base_url=url, transport=transport, timeout=120)

    def close(self) -> None:
        self.client.close()

    def open(self, page: str) -> None:
        """Get a form's token; the connection stays open."""
        found = TOKEN.search(self.client.get(page).text)
        assert found, page
        self.token = found[1]

    def post(self, page: str, form: dict[str, str]) -> Answer:
        form = {**form, "csrfmiddlewaretoken": self.token}
        began = time.perf_counter()
        answer = self.client.post(page, data=form)
        return Answer(answer.status_code, time.perf_counter() - began)


def signs_in(url: str, address: str, name: str) -> bool:
    """Whether somebody with the right password comes in with a fresh browser."""
    visitor = Visitor(url, address)
    visitor.open("/accounts/login/")
    answer = visitor.post("/accounts/login/", {"username": name, "password": PASSWORD})
    visitor.close()
    return answer.status == 302
