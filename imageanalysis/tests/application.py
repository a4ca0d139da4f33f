"""The whole application, started as a person starts it, and a person who visits it as a program does."""

import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from django.conf import settings

from imageanalysis.tests.log_review import REVIEW
from imageanalysis.tests.processes import processes_with, until
from imageanalysis.tests.servers import free_port

EMBEDDED = ("CELERY_BROKER_URL", "CACHE_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "PUBLIC_URL")
FIRST_START_SECONDS = 90


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


class Application:
    """A whole application with folders and a port of its own, started as a person does."""

    def __init__(self, folder: Path, bind: str | None = None, **environment: str) -> None:
        self.folder = folder
        self.bind = bind or f"127.0.0.1:{free_port()}"
        self.environment = environment
        self.log_file = folder / "log"
        self.popen = self._start(self.log_file)

    def __enter__(self) -> Self:
        self.welcomed()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave nothing running, however the test went."""
        self.popen.kill()
        self.popen.wait()
        for pid in self.processes:
            os.kill(pid, signal.SIGKILL)
        REVIEW.note("SECRET_KEY", [path.read_text().strip() for path in self.folder.glob("data/secret*")])
        REVIEW.read(self.log)

    @property
    def url(self) -> str:
        return f"http://{self.bind}"

    def start_again(self) -> str:
        """Try a second start on the same folders; return what it says. It must end by itself."""
        log_file = self.folder / "second-log"
        assert self._start(log_file).wait(60) == 1
        return log_file.read_text(encoding="utf-8")

    def _start(self, log_file: Path) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
        with log_file.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "start"],
                cwd=settings.BASE_DIR,
                env={
                    **inherited,
                    "DATA_DIR": str(self.folder / "data"),
                    "MEDIA_ROOT": str(self.folder / "media"),
                    "BIND": self.bind,
                    "WORKER_CONCURRENCY": "1",
                    **self.environment,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    @property
    def processes(self) -> set[int]:
        return processes_with("DATA_DIR", str(self.folder / "data"))

    @contextmanager
    def no_worker(self) -> Iterator[None]:
        """Hold the worker's processes: pictures wait meanwhile."""
        held = [pid for pid in self.processes if b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        until(lambda: self._stopped(held), "the worker never lets go of the database")
        try:
            yield
        finally:
            send(held, signal.SIGCONT)

    def _stopped(self, pids: list[int]) -> bool:
        """Stop them; but none may stand still in a transaction, which would hold up everybody."""
        send(pids, signal.SIGSTOP)
        if "DATABASE_URL" in self.environment:  # a server, which locks no more than rows
            return True
        with closing(sqlite3.connect(self.folder / "data" / "db.sqlite3", timeout=0)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                send(pids, signal.SIGCONT)
                return False
        return True

    def welcomed(self) -> None:
        until(lambda: "Ctrl-C stops" in self.log, lambda: f"no welcome:\n{self.log}", seconds=FIRST_START_SECONDS)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.bind}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def nothing_left(self) -> None:
        until(lambda: not self.processes, lambda: f"left behind: {self.processes}\n{self.log}")


class Person:
    """Somebody who uses the application as a program: signs up, uploads, reads stories."""

    def __init__(self, url: str, username: str = "visitor") -> None:
        self.client = httpx.Client(base_url=url, follow_redirects=True, timeout=60)
        password = "correct horse battery"
        email = f"{username}@example.org"
        form = {"username": username, "email": email, "password1": password, "password2": password}
        self.post("/accounts/register/", form).raise_for_status()
        # The token turns at sign-in; it is the same for every later request of the session.
        self.token = self.csrf_token("/images/upload/")
        REVIEW.note("password", [password])
        REVIEW.note("cookie", [value for name, value in self.client.cookies.items() if "language" not in name])

    def csrf_token(self, page: str) -> str:
        text = self.client.get(page).text
        return text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]

    def post(self, address: str, form: dict[str, str]) -> httpx.Response:
        return self.client.post(address, data={**form, "csrfmiddlewaretoken": self.csrf_token(address)})

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload one file as the page's script does; the answer for that file."""
        answer = self.client.post(
            "/images/upload/",
            data={"csrfmiddlewaretoken": self.token},
            files={"files": (name, content)},
            headers={"Accept": "application/json"},
        )
        answer.raise_for_status()
        (image,) = answer.json()["images"]
        return image

    def story(self, image_id: int) -> dict[str, Any]:
        answer = self.client.get(f"/images/{image_id}/timeline/", headers={"Accept": "application/json"})
        answer.raise_for_status()
        return answer.json()
