"""The staff's desk in a real browser, beside a real worker."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import User
from analysis.models import AnalysisQueue
from analysis.tests.queue import wait_until_all_ended
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.browser import chromium, overflow_px, visit
from imageanalysis.tests.servers import ROOT, Broker, Worker
from images.tests.factories import queued_image
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory
from mlmodels.tests.weights_server import Answer, WeightsServer, seeded_bytes

pytestmark = [
    pytest.mark.skipif(
        chromium_.PROGRAM is None, reason="Chromium is not installed here (Debian: apt-get install chromium)"
    ),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def desk(live_server: object, staff: User) -> Iterator[Page]:
    """The admin, in the browser of somebody who has signed in to it."""
    staff.set_password(chromium_.PASSWORD)
    staff.save()
    with chromium() as browser, visit(browser, str(live_server)) as page:
        page.goto("/admin/login/?next=/admin/")
        page.get_by_label("User name or e-mail").fill(staff.username)
        page.locator("[name=password]").fill(chromium_.PASSWORD)
        page.locator("#login-form [type=submit]").click()
        expect(page.locator("#desk")).to_be_visible()
        yield page


def test_staff_move_an_entry_to_the_front_and_it_runs_next(
    desk: Page, broker: Broker, model: MLModel, owner: User, media_of_its_own: Path
) -> None:
    first, second, third = (
        queued_image(user=owner, model=model, name=f"{n}.png") for n in ("first", "second", "third")
    )
    desk.get_by_role("link", name="Queue", exact=True).click()
    rows = desk.locator("#result_list tbody tr")
    expect(rows.first).to_contain_text("first.png")

    desk.get_by_role("button", name="Move third.png to the front").click()
    expect(desk.locator("main")).to_contain_text("Done for 1 entry.")
    expect(rows.first).to_contain_text("third.png")
    desk.get_by_label("Priority of first.png").select_option("low")
    expect(rows.last).to_contain_text("first.png")
    desk.set_viewport_size({"width": 375, "height": 812})
    assert overflow_px(desk) <= 0

    # No entry may have waited for so long that its priority gets a turn out of order.
    with Worker(media_root=media_of_its_own, BATCH_SIZE="1", AGEING_SECONDS="3600") as worker:
        wait_until_all_ended(worker, seconds=170)

    ran = AnalysisQueue.objects.order_by("started_at").values_list("image_id", flat=True)
    assert list(ran) == [third.pk, second.pk, first.pk]
    desk.get_by_role("link", name="Dashboard").click()
    expect(desk.locator(".tile", has_text="Done in the last hour").locator(".tile-number")).to_have_text("3")


# As a worker does it, which has the address from the model's library; it is missed sooner than usual.
FETCH = """
import sys, django
django.setup()
from mlmodels import fetches
from mlmodels.inference import catalogue
fetches.ALIVE_SECONDS = 3
fetches.take(catalogue.find("clip:1.0.0"), address=sys.argv[1])
"""


@pytest.fixture
def weights_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.WEIGHTS_DIR = tmp_path / "weights"
    return settings.WEIGHTS_DIR


@contextmanager
def fetching_process(address: str, weights_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "imageanalysis.settings", "WEIGHTS_DIR": str(weights_dir)}
    with subprocess.Popen([sys.executable, "-c", FETCH, address], cwd=ROOT, env=environment) as process:
        yield process


LISTS = (
    *("analysis/analysisqueue", "images/image", "mlmodels/mlmodel", "accounts/user", "analysis/analysisresult"),
    *("analysis/progresslog", "analysis/timelinelog", "accounts/passwordresettoken"),
)


def test_filters_are_folded_on_a_phone_and_open_where_there_is_room(desk: Page, model: MLModel, owner: User) -> None:
    queued_image(user=owner, model=model)
    choice, fold = desk.locator("#changelist-filter a").first, desk.locator(".filter-fold > summary")
    for address in LISTS:
        desk.set_viewport_size({"width": 1440, "height": 900})
        desk.goto(f"/admin/{address}/")
        expect(choice).to_be_visible()
        expect(fold).to_be_hidden()

        desk.set_viewport_size({"width": 375, "height": 812})
        expect(choice).to_be_hidden()
        expect(fold).to_be_visible()
        assert desk.evaluate("document.getElementById('page-header').offsetHeight") < 70, "one row"
        assert overflow_px(desk) <= 0

    desk.goto("/admin/images/image/?status__exact=uploaded")
    expect(fold).to_have_text("Filters Waiting")
    expect(desk.locator("#result_list tbody tr")).to_be_in_viewport()
    fold.focus()
    desk.keyboard.press("Enter")
    desk.locator("#changelist-filter").get_by_role("link", name="Failed").click()
    expect(fold).to_have_text("Filters Failed")
    expect(desk.locator("#result_list")).to_have_count(0)


def test_staff_fetch_weights_from_a_slow_server_and_go_on_after_the_worker_died(
    desk: Page, broker: Broker, weights_dir: Path
) -> None:
    clip, content = MLModelFactory.create(name="clip"), seeded_bytes(400_000)
    desk.goto(f"/admin/mlmodels/mlmodel/{clip.pk}/change/")
    weights = desk.locator("#weights")
    with WeightsServer() as hub:
        file = hub.publish("file", content, [Answer(stall_after_bytes=100_000)])
        named = Answer(redirect_to=file, headers={"X-Linked-ETag": sha256(content).hexdigest()})
        address = hub.publish("resolved", b"", [named, named])

        desk.get_by_role("button", name="Fetch the weights").focus()
        desk.keyboard.press("Enter")
        expect(weights).to_contain_text("Waiting for a free worker.")
        with fetching_process(address, weights_dir) as worker:
            expect(weights.locator("progress")).to_have_attribute("value", "25", timeout=30_000)
            expect(weights).to_contain_text("97.7 KB of 390.6 KB")
            worker.kill()
        expect(weights).to_contain_text("The worker that fetched them has stopped.", timeout=30_000)
        assert not (weights_dir / "clip-1.0.0.safetensors").exists()

        desk.get_by_role("button", name="Fetch the rest").click()
        expect(weights).to_contain_text("Waiting for a free worker.")
        with fetching_process(address, weights_dir):
            expect(weights).to_contain_text("They are here and whole.", timeout=30_000)
    assert (weights_dir / "clip-1.0.0.safetensors").read_bytes() == content
    assert hub.asked_ranges[-1] == "bytes=100000-"
    desk.set_viewport_size({"width": 375, "height": 812})
    assert overflow_px(desk) <= 0
