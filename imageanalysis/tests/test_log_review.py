"""The review of the run's logs finds what it is there to find."""

import logging
from collections.abc import Iterator

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import PASSWORD
from imageanalysis.tests.log_review import REVIEW, LogReview


@pytest.fixture
def review() -> Iterator[LogReview]:
    """One beside the run's own, which must not find what is logged here on purpose."""
    beside, root = LogReview(), logging.getLogger()
    root.removeHandler(REVIEW)
    root.addHandler(beside)
    yield beside
    root.removeHandler(beside)
    root.addHandler(REVIEW)


def test_visitors_secrets_are_noted(owner: User, client: Client) -> None:
    client.post("/accounts/login/", {"username": owner.username, "password": PASSWORD})
    client.get("/accounts/password-reset/" + "t0ken" * 8 + "/")

    session_key = client.session.session_key
    assert session_key
    noted = {PASSWORD: "password", session_key: "cookie", "t0ken" * 8: "mailed token"}
    assert noted.items() <= REVIEW.secrets.items()


@pytest.mark.parametrize("words", ["it is {}", "{}", "a b=c{}d"])
def test_a_secret_in_a_line_is_found_and_forgotten(words: str, review: LogReview) -> None:
    review.note("password", [PASSWORD])
    logging.getLogger("anybody").warning(words.format(PASSWORD))

    with pytest.raises(AssertionError, match=r"password in: .* WARNING anybody"):
        review.close_test()
    review.close_test()


def test_a_secret_in_a_traceback_and_in_the_log_of_another_process_is_found(review: LogReview) -> None:
    review.note("cookie", ["a1b2c3d4e5"])
    with pytest.raises(AssertionError, match="cookie in: "):
        review.read("a line\nanother with a1b2c3d4e5 in it\n")
    try:
        raise ValueError("a1b2c3d4e5")
    except ValueError:
        logging.getLogger("anybody").exception("broken")
    with pytest.raises(AssertionError, match="cookie in: "):
        review.close_test()


def test_innocent_lines_are_let_through(review: LogReview) -> None:
    review.note("password", [PASSWORD])
    logging.getLogger("anybody").warning("correct horse")

    review.close_test()
