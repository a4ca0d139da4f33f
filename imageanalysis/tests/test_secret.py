"""The generated secret, and what a bare environment is set to."""

import json
import multiprocessing
import os
import stat
import subprocess
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from imageanalysis import secret
from imageanalysis.tests.servers import ROOT

PROCESSES = 6
SHOWN = (
    "DEBUG ALLOWED_HOSTS REGISTRATION_OPEN EMBEDDED_BROKER SECRET_KEY SESSION_COOKIE_NAME SESSION_COOKIE_HTTPONLY "
    "SESSION_COOKIE_SECURE SESSION_COOKIE_SAMESITE SESSION_COOKIE_PATH SESSION_COOKIE_DOMAIN CSRF_COOKIE_NAME "
    "CSRF_COOKIE_SECURE CSRF_COOKIE_HTTPONLY CSRF_TRUSTED_ORIGINS CELERY_ACCEPT_CONTENT"
)
SCRIPT = f"""
import json
import django
from django.conf import settings
from django.db import connection

django.setup()
shown = {{name: getattr(settings, name) for name in "{SHOWN}".split()}}
paths = {{"BROKER_SOCKET": settings.BROKER_SOCKET, "DATABASE": settings.DATABASES["default"]["NAME"]}}
cursor = connection.cursor()
pragmas = {{name: cursor.execute("PRAGMA " + name).fetchone()[0] for name in ("journal_mode", "synchronous")}}
mode = {{"transaction_mode": connection.settings_dict["OPTIONS"]["transaction_mode"]}}
print(json.dumps(shown | paths | pragmas | mode, default=str))
"""


def settings_of(**environment: str) -> dict[str, Any]:
    """What a fresh process is set to in exactly this environment."""
    bare = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "imageanalysis.settings"}
    argv = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(argv, cwd=ROOT, env=bare | environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "not yet there" / "secret_key"

    first = secret.load_or_create(path)

    assert secret.load_or_create(path) == first == path.read_text()
    assert len(first) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_the_folder_of_the_database_is_for_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "data"

    settings_of(DATA_DIR=str(folder))

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_two_installations_share_a_secret(tmp_path: Path) -> None:
    assert secret.load_or_create(tmp_path / "one") != secret.load_or_create(tmp_path / "two")


def load_together(path: Path, barrier: Barrier, results: Any) -> None:
    barrier.wait(10)
    results.put(secret.load_or_create(path))


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    for number in range(10):
        barrier, results = fork.Barrier(PROCESSES), fork.SimpleQueue()
        path = tmp_path / str(number) / "secret_key"
        started = [fork.Process(target=load_together, args=(path, barrier, results)) for _ in range(PROCESSES)]
        for process in started:
            process.start()
        secrets = {results.get() for _ in started}
        for process in started:
            process.join()

        assert secrets == {path.read_text()}
        assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_a_bare_environment_is_private_and_self_contained(tmp_path: Path) -> None:
    found = settings_of(DATA_DIR=str(tmp_path))

    assert found["DEBUG"] is False
    assert set(found["ALLOWED_HOSTS"]) == {"127.0.0.1", "localhost", "[::1]"}
    assert found["REGISTRATION_OPEN"] is found["EMBEDDED_BROKER"] is found["SESSION_COOKIE_HTTPONLY"] is True
    assert found["SECRET_KEY"] == (tmp_path / "secret_key").read_text()
    assert Path(found["BROKER_SOCKET"]).parent == Path(found["DATABASE"]).parent == tmp_path
    assert found["CELERY_ACCEPT_CONTENT"] == ["json"]


def test_an_address_with_tls_makes_cookies_secure(tmp_path: Path) -> None:
    found = settings_of(DATA_DIR=str(tmp_path), PUBLIC_URL="https://pictures.example.org/")

    assert found["SESSION_COOKIE_SECURE"] is found["CSRF_COOKIE_SECURE"] is True
    assert found["SESSION_COOKIE_HTTPONLY"] is found["CSRF_COOKIE_HTTPONLY"] is True
    assert found["SESSION_COOKIE_SAMESITE"] == "Lax"
    # What browsers ask of the prefix: secure, for the whole host, and for no other.
    assert (found["SESSION_COOKIE_NAME"], found["CSRF_COOKIE_NAME"]) == ("__Host-sessionid", "__Host-csrftoken")
    assert (found["SESSION_COOKIE_PATH"], found["SESSION_COOKIE_DOMAIN"]) == ("/", None)
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://pictures.example.org"]


def test_web_servers_behind_one_address_share_their_cookies_whatever_they_listen_on(tmp_path: Path) -> None:
    address = "http://pictures.internal:8080"
    found = [settings_of(DATA_DIR=str(tmp_path), PUBLIC_URL=address, BIND=f"127.0.0.1:{port}") for port in (8001, 8002)]

    assert [one["SESSION_COOKIE_NAME"] for one in found] == ["sessionid_8080", "sessionid_8080"]


def test_an_address_may_be_of_the_internet_protocol_6_and_do_without_a_port(tmp_path: Path) -> None:
    found = settings_of(DATA_DIR=str(tmp_path), PUBLIC_URL="http://[2001:db8::1]")

    assert "[2001:db8::1]" in found["ALLOWED_HOSTS"]
    assert found["SESSION_COOKIE_NAME"] == "sessionid_80"


def test_a_deep_data_folder_still_has_a_socket_that_can_be_opened(tmp_path: Path) -> None:
    found = settings_of(DATA_DIR=str(tmp_path / ("deep" * 30)), BIND="127.0.0.1:9000")

    assert len(found["BROKER_SOCKET"]) < 108
    assert found["SESSION_COOKIE_NAME"] == "sessionid_9000"


def test_sqlite_keeps_what_it_acknowledged_and_does_not_lock_readers_out(tmp_path: Path) -> None:
    found = settings_of(DATA_DIR=str(tmp_path))

    assert found["journal_mode"] == "wal"
    assert found["synchronous"] == 2  # FULL
    assert found["transaction_mode"] == "IMMEDIATE"
