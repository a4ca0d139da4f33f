"""Settings that would leave people unprotected: refused with one sentence each, before anything is served."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from imageanalysis import checks
from imageanalysis.tests.servers import ROOT

STRONG = "a-Long.Enough_and=Different+Key/of#many%characters&0123456789"
OF_THIS_MACHINE = {"BIND": "127.0.0.1:8000", "PUBLIC_URL": "http://127.0.0.1:8000", "ALLOWED_HOSTS": "127.0.0.1"}
PRODUCTION = {
    "BIND": "127.0.0.1:8000",
    "PUBLIC_URL": "https://pictures.example.org",
    "ALLOWED_HOSTS": "pictures.example.org",
    "TRUSTED_PROXY_COUNT": "1",
}
IN_A_HOUSE = {"BIND": "0.0.0.0:8000", "PUBLIC_URL": "http://192.168.1.7:8000", "ALLOWED_HOSTS": "192.168.1.7"}
WEAK = {
    "DEBUG shows strangers the inside": {**IN_A_HOUSE, "DEBUG": "true"},
    "SECRET_KEY can be guessed": {"SECRET_KEY": "short"},
    "SECRET_KEY can be guessed: leave it empty": {"SECRET_KEY": "a" * 60},
    "leave it empty to have one made": {"SECRET_KEY": f"django-insecure-{STRONG}"},
    "ALLOWED_HOSTS must name the hosts": {**PRODUCTION, "ALLOWED_HOSTS": "*"},
    "PUBLIC_URL must be the address": {"PUBLIC_URL": "pictures.example.org"},
    "and no more": {**PRODUCTION, "PUBLIC_URL": "https://pictures.example.org/below"},
    "does not name pictures.example.org": {**PRODUCTION, "ALLOWED_HOSTS": "other.example.org"},
    "set TRUSTED_PROXY_COUNT": {**PRODUCTION, "TRUSTED_PROXY_COUNT": "0"},
    "PUBLIC_URL is http": {**PRODUCTION, "PUBLIC_URL": "http://pictures.example.org"},
    "LOG_FORMAT must be one of line, json": {"LOG_FORMAT": "xml"},
    "must lie between 0 and 300": {"MEDIA_PRESIGNED_SECONDS": "86400"},
    "METRICS_TOKEN can be guessed": {"METRICS_TOKEN": "secret"},
    "METRICS_NETWORKS must hold networks": {"METRICS_NETWORKS": "10.0.0.0/8,everybody"},
    "WORKER_PRIORITIES must hold some of": {"WORKER_PRIORITIES": "urgent,hgih"},
    "WORKER_MODELS must name models": {"WORKER_MODELS": "clip,-vgg16"},
    "WORKER_CONCURRENCY must be more than 0, not 0": {"WORKER_CONCURRENCY": "0"},
    "POLLS_PER_SECOND must be more than 0": {"POLLS_PER_SECOND": "0"},
    "STORAGE_URL must look like": {"STORAGE_URL": "https://bucket"},
}


def run(folder: Path, argv: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    bare = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "imageanalysis.settings", "DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, *argv], cwd=ROOT, env=bare | environment, capture_output=True, text=True, check=False
    )


def documented() -> dict[str, str]:
    """The example of docs/operations.md."""
    block = (ROOT / "docs/operations.md").read_text(encoding="utf-8").partition("## In production")[2].split("```")[1]
    return dict(re.findall(r"^([A-Z_]+)=(\S+)", block, re.MULTILINE))


@pytest.mark.parametrize("own", [{}, {"SECRET_KEY": STRONG}], ids=["generated", "own"])
def test_djangos_own_review_finds_nothing_under_the_documented_production_settings(
    own: dict[str, str], tmp_path: Path
) -> None:
    environment = documented() | own
    assert set(environment) >= {"PUBLIC_URL", "ALLOWED_HOSTS", "TRUSTED_PROXY_COUNT", "LOG_FORMAT", "DATABASE_URL"}

    done = run(tmp_path, ["manage.py", "check", "--deploy", "--fail-level", "WARNING"], environment)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_network_of_ones_own_is_served_without_tls_and_told_so(tmp_path: Path) -> None:
    done = run(tmp_path, ["manage.py", "check", "--deploy"], IN_A_HOUSE)

    assert done.returncode == 0
    assert "People visit over plain http" in done.stderr


# Each start of Django takes a second: the sentences are asked for in one process, the start command and the web
# process with one of them.
@pytest.mark.parametrize(("sentence", "environment"), WEAK.items(), ids=range(len(WEAK)))
def test_what_is_weak_is_said_in_a_sentence(
    sentence: str, environment: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    if environment.keys() & {"STORAGE_URL", *checks.MORE_THAN_NOTHING}:  # numbers, or refused while they are read
        done = run(tmp_path, ["manage.py", "check"], environment)
        assert (done.returncode, sentence in done.stderr) == (1, True)
        return
    strong = OF_THIS_MACHINE | {"SECRET_KEY": STRONG, "LOG_FORMAT": "line", "DEBUG": ""}
    given = strong | environment
    settings.ALLOWED_HOSTS = given.pop("ALLOWED_HOSTS").split(",")
    settings.OVER_TLS, settings.DEBUG = given["PUBLIC_URL"].startswith("https"), bool(given.pop("DEBUG"))
    for name in ("TRUSTED_PROXY_COUNT", "MEDIA_PRESIGNED_SECONDS"):
        setattr(settings, name, int(given.pop(name, "0")))
    for name in ("METRICS_NETWORKS", "WORKER_MODELS", "WORKER_PRIORITIES"):
        setattr(settings, name, list(filter(None, given.pop(name, "").split(","))))
    for name, value in given.items():
        setattr(settings, name, value)

    found = dict(checks.weaknesses())

    assert any(sentence in told for told in found.values())
    assert all(told.endswith(".") and told.count(". ") == 0 for told in found.values())
    assert {each.id for each in checks.weak_settings(None)} == {f"imageanalysis.{number}" for number in found}


def test_a_port_that_is_none_is_said_in_a_sentence_too(tmp_path: Path) -> None:
    done = run(tmp_path, ["manage.py", "check"], {"PUBLIC_URL": "http://localhost:80000"})

    assert "PUBLIC_URL must be the address that people visit" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("environment", [OF_THIS_MACHINE, IN_A_HOUSE, PRODUCTION], ids=["machine", "house", "world"])
def test_what_is_strong_enough_starts(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(tmp_path, ["-c", "import imageanalysis.wsgi"], environment)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("argv", [["manage.py", "start"], ["-c", "import imageanalysis.wsgi"]], ids=["start", "web"])
def test_nothing_weak_is_started(argv: list[str], tmp_path: Path) -> None:
    weak = {**PRODUCTION, "ALLOWED_HOSTS": "*", "SECRET_KEY": "short"}

    done = run(tmp_path, argv, weak)

    last = done.stderr.strip().splitlines()[-2:]
    assert done.returncode == 1
    assert "ALLOWED_HOSTS must name the hosts" in " ".join(last)
    assert "SECRET_KEY can be guessed" in " ".join(last)
    assert "Traceback" not in done.stderr or "wsgi" in argv[-1]
    assert not (tmp_path / "db.sqlite3").exists()


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("192.168.1.7", True),
        ("10.0.0.1", True),
        ("fd00::1", True),
        ("nas", True),
        ("nas.local", True),
        ("photos.home.arpa", True),
        ("93.184.215.14", False),
        ("pictures.example.org", False),
        ("2606:2800:220:1:248:1893:25c8:1946", False),
    ],
)
def test_a_network_of_ones_own_is_told_from_the_world(host: str, is_local: bool) -> None:
    assert checks.is_of_a_local_network(host) is is_local


@pytest.mark.parametrize(
    ("address", "is_warned"), [("http://192.168.1.7:8000", True), ("http://127.0.0.1:8000", False)]
)
def test_staff_and_only_they_are_told_of_plain_http(
    address: str, is_warned: bool, staff: User, owner_client: Client, settings: Settings
) -> None:
    settings.PUBLIC_URL, settings.OVER_TLS = address, False
    client = Client()
    client.force_login(staff)

    assert (b'id="plain-http"' in client.get("/").content) is is_warned
    assert b'id="plain-http"' not in owner_client.get("/").content
