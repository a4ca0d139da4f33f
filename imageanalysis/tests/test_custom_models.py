"""A model of one's own, from the upload by staff to a picture's labels, in a real browser against the application."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from torchvision.models import MobileNet_V3_Small_Weights

from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.application import Application
from imageanalysis.tests.browser import PASSWORD, choose, overflow_px, sign_in, visit
from images.tests.factories import PHOTOGRAPHS
from mlmodels.tests.factories import ARCHITECTURE
from mlmodels.tests.small_checkpoints import as_torch, network

pytestmark = pytest.mark.skipif(
    chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
)

COFFEE = PHOTOGRAPHS / "coffee.png"
# A page or a spreadsheet that took them for more than words would show it.
LABELS = ("<img src=x onerror=alert(1)>", '=HYPERLINK("https://example.org")', "an astronaut")
PHONE = {"width": 375, "height": 812}
EXAM_MS = 240_000
ANALYSIS_MS = 60_000


@pytest.fixture(scope="module")
def page(application: Application, browser: Browser) -> Iterator[Page]:
    """A page of the administrator."""
    with visit(browser, application.url) as running:
        sign_in(running, "boss")
        yield running


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"{name}.jpg"), type="jpeg", quality=88, full_page=True)


def add(page: Page, version: str, checkpoint: Path, *, password: str = PASSWORD) -> None:
    page.goto("/admin/mlmodels/mlmodel/add/")
    page.get_by_label("Version").fill(version)
    page.get_by_label("Description").fill("My three things.")
    page.get_by_label("Checkpoint").set_input_files(checkpoint)
    page.get_by_label("Architecture").fill(ARCHITECTURE)
    page.get_by_label("Labels:", exact=True).fill("\n".join(LABELS))
    send(page, password)


def send(page: Page, password: str) -> None:
    page.get_by_label("Your password").fill(password)
    page.get_by_role("button", name="Upload and take the exam").click()


def uploaded_with(page: Page, model: str) -> None:
    """Upload the photograph with this model; the page is its own afterwards."""
    page.goto("/")
    page.locator("#upload summary").first.click()
    # The label fills the whole card, and with it the circle in front of it.
    page.locator(f"#upload .offer:has([value='{model}']) .offer-name").click()
    expect(page.locator(f"#upload [name=model][value='{model}']")).to_be_checked()
    choose(page, COFFEE)
    page.get_by_role("link", name="Uploaded").first.click()
    expect(page.locator("#story")).to_be_visible()


def ranked_by_the_library(module: torch.nn.Module) -> list[str]:
    """The labels in the order in which torchvision's own network and transforms put them."""
    pixels = MobileNet_V3_Small_Weights.DEFAULT.transforms()(Image.open(COFFEE).convert("RGB"))
    with torch.inference_mode():
        order = module(pixels[None])[0].argsort(descending=True)
    return [LABELS[place] for place in order.tolist()]


def added_to(application: Application) -> list[str]:
    """The stored checkpoints of staff."""
    return [path.name for path in (application.folder / "data" / "weights" / "added").rglob("*") if path.is_file()]


def test_a_model_of_ones_own_is_examined_offered_asked_and_deleted(
    application: Application, page: Page, tmp_path: Path
) -> None:
    module = network()
    checkpoint = tmp_path / "mine.pth"
    checkpoint.write_bytes(as_torch(module))

    add(page, "v1", checkpoint, password="not mine")
    expect(page.locator(".errornote")).to_be_visible()
    send(page, PASSWORD)  # the file is still chosen
    watch_it_pass(page)
    (stored,) = added_to(application)
    assert stored.endswith(".safetensors")  # what was uploaded is gone

    page.get_by_label("Offered to users").check()
    page.get_by_role("button", name="Save", exact=True).click()
    uploaded_with(page, "custom:v1")
    results, with_labels = page.locator('.results[data-model="custom:v1"] .result-label'), page.url
    expect(results).to_have_count(3, timeout=ANALYSIS_MS)
    assert results.all_inner_texts() == ranked_by_the_library(module)

    with application.no_worker():
        uploaded_with(page, "custom:v1")
        waiting = page.url
        delete(page, "custom:v1")
    page.goto(waiting)
    expect(page.locator("#story")).to_contain_text("This model no longer exists here.", timeout=ANALYSIS_MS)
    page.goto(with_labels)
    expect(results).to_have_count(3)
    assert added_to(application) == []


def watch_it_pass(page: Page) -> None:
    exam = page.locator("#exam")
    expect(exam.locator("progress")).to_be_visible(timeout=EXAM_MS)
    keep(page, "exam-running")
    expect(exam.locator(".exam-state")).to_have_text("Passed", timeout=EXAM_MS)
    expect(exam).to_contain_text("no network · no new programs · no writing · not root · memory limit · time limit")
    expect(exam.locator(".exam-step-done")).to_have_count(7)
    expect(page.locator(".added-labels")).to_contain_text(LABELS[0])
    keep(page, "exam-passed")


def delete(page: Page, key: str) -> None:
    page.goto("/admin/mlmodels/mlmodel/")
    page.get_by_role("link", name=key).click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("status").filter(has_text="was deleted successfully")).to_be_visible()


def test_too_large_a_file_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.pth"
    large.write_bytes(bytes(1000))
    page.goto("/admin/mlmodels/mlmodel/add/")
    page.get_by_label("Checkpoint").evaluate("field => { field.dataset.maxBytes = 999; }")

    page.get_by_label("Checkpoint").set_input_files(large)
    note = page.locator(".errorlist")
    expect(note).to_contain_text("The file is larger than")
    send(page, PASSWORD)
    expect(note).to_have_count(1)  # an answer of the server would name the empty fields, too

    page.get_by_label("Checkpoint").evaluate("field => { field.dataset.maxBytes = 1000; }")
    send(page, PASSWORD)
    expect(page.locator(".errornote")).to_be_visible()
    expect(page.locator(".errorlist")).not_to_have_count(1)


def test_a_checkpoint_of_another_number_of_classes_says_so_and_cannot_be_offered(page: Page, tmp_path: Path) -> None:
    checkpoint = tmp_path / "five.pth"
    checkpoint.write_bytes(as_torch(network(classes=5)))
    page.set_viewport_size(PHONE)
    try:
        add(page, "wrong", checkpoint)
        expect(page.locator("#exam .exam-state")).to_have_text("Failed", timeout=EXAM_MS)
        expect(page.locator("#exam .exam-sentence")).to_have_text(
            "The checkpoint has 5 classes, but 3 labels were given. Add it again with one label for each class."
        )
        assert overflow_px(page) <= 0
        keep(page, "exam-failed")

        page.get_by_label("Offered to users").check()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".errorlist")).to_contain_text("This model has not passed its exam.")
        page.goto("/")
        expect(page.locator('option[value="custom:wrong"]')).to_have_count(0)
    finally:
        page.set_viewport_size({"width": 1440, "height": 900})
