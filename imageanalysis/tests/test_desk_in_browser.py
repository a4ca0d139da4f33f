"""The staff's desk in a real browser, beside a real worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from analysis.models import AnalysisQueue
from analysis.tests.queue import wait_until_all_ended
from imageanalysis.tests import browser as chromium_
from imageanalysis.tests.browser import chromium, overflow_px, visit
from imageanalysis.tests.servers import Broker, Worker
from images.tests.factories import queued_image
from mlmodels.models import MLModel

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
