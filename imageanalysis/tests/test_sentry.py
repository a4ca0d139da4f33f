"""Errors reach a Sentry server, and people's data does not."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from imageanalysis.tests.servers import ROOT

# A view that breaks while it holds a person's things, visited once.
SCRIPT = """
import django, sys, types
from django.conf import settings
django.setup()
from django.contrib.auth.decorators import login_not_required
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from imageanalysis.urls import urlpatterns

@csrf_exempt
@login_not_required
def broken(request):
    password = "hunter2-local"
    raise RuntimeError("postgresql://anna:hunter2-url@db/x is away")

urls = types.ModuleType("urls")
urls.urlpatterns = [path("images/7/", broken), *urlpatterns]
sys.modules["urls"] = urls
settings.ROOT_URLCONF = "urls"
sent = RequestFactory().post(
    "/images/7/?q=hunter2-query", {"password": "hunter2-body"},
    headers={"X-Secret": "hunter2-header", "Cookie": "sessionid=hunter2-cookie"},
)
list(get_wsgi_application()(sent.environ, lambda *_: None))
import sentry_sdk
sentry_sdk.flush(10)
"""


class Sentry(HTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.received.append(text.decode())  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        """Quietly."""


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with Sentry() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_error_is_told_without_anything_about_the_person(sentry: Sentry, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "imageanalysis.settings",
        "ALLOWED_HOSTS": "testserver,127.0.0.1",
        "SENTRY_DSN": f"http://key@127.0.0.1:{sentry.server_port}/1",
    }
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, check=True, capture_output=True)

    (report,) = (text for text in sentry.received if '"exception"' in text)
    event = next(json.loads(line) for line in report.splitlines() if '"exception"' in line)
    assert event["exception"]["values"][-1]["value"] == "postgresql://anna:***@db/x is away"
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "broken"
    assert event["request"] == {"method": "POST", "url": "/images/7/"}
    assert len(event["tags"]["request_id"]) == 16
    assert "hunter2" not in "".join(sentry.received)
    assert not {"user", "extra", "breadcrumbs", "server_name", "modules"} & set(event)
