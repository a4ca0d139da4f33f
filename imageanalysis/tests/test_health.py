"""What monitors are told, and how little it costs however many ask."""

import threading
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.findings import Finding, ok, wrong
from imageanalysis import doctor, health
from imageanalysis.doctor import Matter


class Examined:
    """An examination that can be held up, and counts."""

    def __init__(self) -> None:
        self.times = 0
        self.finding = ok("fine")
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> Iterator[Finding]:
        self.times += 1
        assert self.may_end.wait(30)
        yield self.finding


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Examined:
    examination = Examined()
    monkeypatch.setattr(doctor, "MATTERS", (Matter("database", "Database", examination),))
    monkeypatch.setattr(health, "verdict", health.Verdict())
    return examination


def test_each_matter_has_a_line_and_what_is_wrong_makes_503(examined: Examined, settings: Settings) -> None:
    assert Client().get("/readyz").content == b"database ok\n"
    examined.finding = wrong("The disk of secret-host is full.", "Make room.")
    health.verdict.ends_at = 0

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"database wrong\n")


def test_a_crowd_that_asks_has_it_examined_once(examined: Examined) -> None:
    for _ in range(20):
        Client().get("/readyz")

    assert examined.times == 1


def test_who_asks_while_it_is_examined_is_told_what_was_found_before(examined: Examined) -> None:
    assert Client().get("/readyz").status_code == 200
    examined.may_end.clear()
    health.verdict.ends_at = 0
    first = threading.Thread(target=health.verdict.levels)
    first.start()
    try:
        assert Client().get("/readyz").status_code == 200
    finally:
        examined.may_end.set()
        first.join()
    assert examined.times == 2
