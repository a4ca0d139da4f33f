"""The doctor: says what is wrong and how to repair it, whatever is down, and never hangs."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail as outbox
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from accounts.findings import Finding, Level, ok
from accounts.models import User
from imageanalysis import doctor
from imageanalysis.doctor import Matter
from imageanalysis.tests.servers import Broker, PostgreSQL, free_port

NAMES = [matter.name for matter in doctor.MATTERS]


def examined(data_dir: Path, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status and the findings of the command on an installation of its own, by name."""
    own = {key: value for key, value in os.environ.items() if key not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL")}
    own |= {"DATA_DIR": str(data_dir), "MEDIA_ROOT": str(data_dir / "media"), **environment}
    argv = [sys.executable, "manage.py", "doctor", "--json"]
    run = subprocess.run(argv, cwd=django_settings.BASE_DIR, env=own, check=False, capture_output=True, timeout=60)
    matters = json.loads(run.stdout)["matters"]
    return run.returncode, {matter["name"]: matter for matter in matters}


def test_all_is_examined_and_repaired_in_words_while_the_database_and_the_broker_are_down(tmp_path: Path) -> None:
    nobody = f"postgresql://postgres@127.0.0.1:{free_port()}/nothing"
    code, found = examined(tmp_path, DATABASE_URL=nobody, CELERY_BROKER_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert code == 1
    assert list(found) == NAMES
    for name in ("database", "broker", "workers", "sweep", "queue", "weights", "last_run", "clock"):
        assert found[name]["level"] == "wrong", name
    faults = [f for matter in found.values() for f in matter["findings"] if f["level"] != "ok"]
    assert all(fault["sentence"] and fault["repair"] for fault in faults)


def test_a_database_that_runs_is_named_and_one_that_was_stopped_is_told(tmp_path: Path) -> None:
    if PostgreSQL.binaries() is None:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    with PostgreSQL(Path(tempfile.gettempdir())) as server:
        url = server.new_database()
        _code, running = examined(tmp_path, DATABASE_URL=url)
        server.end(signal.SIGINT)
        code, stopped = examined(tmp_path, DATABASE_URL=url)
        server.launch()

    assert running["database"]["findings"][0]["sentence"].startswith("PostgreSQL")
    assert "python manage.py migrate" in running["database"]["findings"][1]["repair"]
    assert running["clock"]["level"] == "ok"
    assert (code, stopped["database"]["level"], stopped["disks"]["level"]) == (1, "wrong", running["disks"]["level"])


def test_a_broker_that_no_longer_moves_holds_the_doctor_up_for_no_longer_than_the_limit(tmp_path: Path) -> None:
    socket_path = tmp_path / "broker.sock"
    with Broker(socket_path, tmp_path) as server:
        server.process.send_signal(signal.SIGSTOP)
        code, found = examined(tmp_path, CELERY_BROKER_URL=f"redis+socket://{socket_path}", CACHE_URL="locmemcache://")
        server.process.send_signal(signal.SIGCONT)

    assert (code, found["broker"]["level"]) == (1, "wrong")
    assert found["database"]["findings"][0]["level"] == "ok"


def test_what_hangs_or_breaks_off_is_given_up_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    never = threading.Event()

    def hangs() -> Iterator[Finding]:
        yield ok("half")
        never.wait()

    def breaks() -> Iterator[Finding]:
        yield ok("half")
        raise RuntimeError

    matters = (
        Matter("hangs", "", hangs, 0.2),
        Matter("breaks", "", breaks),
        Matter("well", "", lambda: iter([ok("w")])),
    )
    hanging, broken, well = doctor.examine(matters)
    never.set()

    assert [report.level for report in (hanging, broken, well)] == [Level.WRONG, Level.WRONG, Level.OK]
    assert "no answer" in hanging.findings[-1].sentence
    assert "broke off" in broken.findings[-1].sentence


def test_findings_come_in_the_language_of_who_asks() -> None:
    with translation.override("ja"):
        (report,) = doctor.examine(tuple(matter for matter in doctor.MATTERS if matter.name == "mail"))

    assert report.title == "メール"
    assert "メールが無効" in report.findings[0].sentence


@pytest.mark.django_db(transaction=True)
def test_staff_see_every_matter_on_the_page_and_send_a_test_mail_to_themselves(staff: User, settings: Settings) -> None:
    settings.MAIL_IS_ON = True
    client = Client()
    client.force_login(staff)

    page = client.get("/admin/doctor/").content.decode()
    answer = client.post("/admin/doctor/mail/", {"address": "somebody@example.org"}, follow=True).content.decode()

    assert [name for name in NAMES if f'id="doctor-{name}"' not in page] == []
    assert [message.to for message in outbox.outbox] == [[staff.email]]
    assert f"took a message to {staff.email}" in answer
    assert 'href="/admin/doctor/"' in client.get("/admin/").content.decode()
