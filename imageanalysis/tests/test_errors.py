"""What is answered when something broke: 503 while the database is away, 400 for what it cannot hold, 500 else."""

import pytest
from django.db import DataError, InterfaceError, OperationalError
from django.test import RequestFactory

from imageanalysis import errors


def answer(error: Exception, **headers: str) -> tuple[int, str, str]:
    """Status, text and Retry-After of the answer to a request in which this was raised. Without a database."""
    request = RequestFactory().get("/", headers=headers)
    try:
        raise error
    except type(error):
        response = errors.broken(request)
    return response.status_code, response.content.decode(), response.get("Retry-After", "")


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_a_database_that_does_not_answer_is_said_to_pass(error: Exception) -> None:
    status, text, retry_after = answer(error)

    assert (status, retry_after) == (503, "5")
    assert "cannot answer just now" in text
    assert str(error) not in text


def test_a_program_is_told_in_json() -> None:
    status, text, _retry_after = answer(OperationalError("gone"), accept="application/json")

    assert status == 503
    assert '"code": "unavailable"' in text


def test_what_no_column_can_hold_was_a_bad_request() -> None:
    assert answer(DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"))[0] == 400


def test_other_faults_stay_500() -> None:
    assert answer(ValueError("secret"))[0] == 500
