"""Chromium for tests, watched for everything that must not happen on any page."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
PASSWORD = "correct horse battery"

# How long a page may take to show what it promises, on a machine that is busy with other tests, too.
expect.set_options(timeout=20_000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium; while it runs, Django must not mistake Playwright's own loop for asynchronous code."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=PROGRAM, args=QUIET.split())
            yield browser
            browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@contextmanager
def visit(browser: Browser, base_url: str, *, expected: Sequence[str] = (), **options: Any) -> Iterator[Page]:
    """A page in a fresh profile.

    Any script error, refused resource or server error on it fails the test, unless it holds an `expected` word.
    """
    options = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB"} | options
    context = browser.new_context(base_url=base_url, **options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    page.on(
        "response", lambda answer: complaints.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None
    )
    try:
        yield page
    except BaseException as error:
        error.add_note(f"The page complained of: {complaints}")
        raise
    context.close()
    unexpected = [line for line in complaints if not any(word in line for word in expected)]
    assert not unexpected, unexpected


def whole(page: Page) -> None:
    """Wait for the page's style sheets and scripts.

    Before, nothing can be said of how it looks: Chromium that is asked lays it out without what is still on its way.
    """
    page.wait_for_load_state()


def register(page: Page, username: str) -> None:
    """Make an account through the form; the page is the empty gallery afterwards."""
    page.goto("/accounts/register/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("E-mail").fill(f"{username}@example.org")
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#upload")).to_be_visible()
    whole(page)


def sign_in(page: Page, username: str) -> None:
    """Sign in through the form; the page is the person's gallery afterwards."""
    page.goto("/accounts/login/")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("#upload")).to_be_visible()
    whole(page)


def choose(page: Page, *files: Path) -> None:
    """Choose files in the upload zone, as its button does."""
    page.set_input_files("#files", [str(file) for file in files])


def overflow_px(page: Page) -> int:
    """How far the page reaches beyond the right edge of the screen."""
    whole(page)
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
