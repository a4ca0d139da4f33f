"""The dashboard: the installation at one glance, for the same number of statements whatever is in it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis import heartbeats, pausing, warm_models
from analysis.code_version import THIS_CODE
from analysis.models import AnalysisQueue, WorkerProcess
from analysis.queue_figures import Ended
from analysis.states import QueueStatus
from imageanalysis.desk import charts
from imageanalysis.tests.servers import Broker
from images.models import Original
from images.tests.rows import picture_rows
from mlmodels.models import MLModel

ENGLISH = {"Accept-Language": "en"}


def worker_lives(**fields: object) -> None:
    alive = {"hostname": "attic", "process": "m 1 0", "code_version": THIS_CODE, "seen_at": timezone.now()}
    WorkerProcess.objects.create(pk=heartbeats.THIS_WORKER, **alive | fields)


def fail(entry: AnalysisQueue, message: str) -> None:
    now = timezone.now()
    AnalysisQueue.objects.filter(pk=entry.pk).update(
        status=QueueStatus.FAILED, started_at=now, completed_at=now, error_message=message
    )


def figures(client: Client) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get("/admin/desk/").content.decode()))


def test_staff_see_queue_failures_workers_models_and_storage(
    broker: Broker, staff_client: Client, model: MLModel
) -> None:
    images = picture_rows(3, model)
    Original.objects.create(image=images[0], stored_bytes=5 * 1024**2)
    fail(images[0].queue, "The file is empty. Please upload it again.")
    worker_lives()
    warm_models.note(model.key, execution="openvino fp32 on CPU")

    told = figures(staff_client)

    assert "Waiting 2 the oldest for" in told
    assert "Failed in the last hour 1 1 in the last 24 hours" in told
    assert "The file is empty. Please upload it again. 1" in told
    assert "attic alive for" in told
    assert f"{model} openvino fp32 on CPU" in told
    assert "1 picture takes 5.0 MB." in told
    assert "Speed not measured here yet" in told


def test_what_is_wrong_stands_above_the_figures(staff_client: Client, staff: User) -> None:
    assert "No worker is alive" in figures(staff_client)
    worker_lives(code_version="other")
    pausing.pause(by=staff)

    told = figures(staff_client)

    assert "No worker is alive" not in told
    assert "The queue is paused by staff" in told
    assert "It runs other code (other)" in told


def test_it_costs_the_same_statements_for_3_rows_and_for_30(staff_client: Client, model: MLModel) -> None:
    counts = []
    for more in (3, 27):
        for image in picture_rows(more, model)[::2]:
            fail(image.queue, f"cause {image.pk}")
        WorkerProcess.objects.create(
            pk=f"00000000-0000-0000-0000-{more:012}", hostname="h", process="m 1 0", seen_at=timezone.now()
        )
        with CaptureQueriesContext(connection) as queries:
            staff_client.get("/admin/desk/")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_staff_without_permissions_see_figures_but_no_row_of_anybody(client: Client, model: MLModel) -> None:
    (image,) = picture_rows(1, model)
    client.force_login(UserFactory.create(is_staff=True))

    page = client.get("/admin/").content.decode()

    assert 'id="desk"' in page
    assert image.user.username not in page


@pytest.mark.parametrize("permission", [None, "view_analysisqueue", "change_mlmodel", "view_user"])
def test_no_link_of_the_dashboard_leads_staff_to_a_refusal(permission: str | None, model: MLModel) -> None:
    waiting, failed = picture_rows(2, model)
    fail(failed.queue, "The file is empty. Please upload it again.")
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename=permission))
    client = Client(headers=ENGLISH)
    client.force_login(clerk)

    page = client.get("/admin/").content.decode()
    links = {unescape(link) for link in re.findall(r'href="(/[^"]*)"', page) if not link.startswith("/static/")}

    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)
    assert ("/admin/analysis/analysisqueue/?status__exact=waiting" in links) == (permission == "view_analysisqueue")
    assert (f"/admin/mlmodels/mlmodel/{model.pk}/change/" in links) == (permission == "change_mlmodel")
    assert "The file is empty." in figures(client)
    assert waiting.filename not in page


def test_the_page_asks_for_the_figures_again_and_its_drawings_have_words(staff_client: Client) -> None:
    page = staff_client.get("/admin/").content.decode()

    assert 'hx-get="/admin/desk/"' in page
    named = re.findall(r'role="img" aria-labelledby="(chart-hour-svg|chart-day-svg) (chart-\w+-desc)"', page)
    assert len(named) == 2
    assert all(page.count(f'id="{part}"') == 1 for name in named for part in name)
    assert "style=" not in page


def test_bars_reach_their_share_of_a_round_number() -> None:
    chart = charts.bar_chart([("a", Ended(3, 1)), ("b", Ended(0, 0))])

    assert (chart.top, chart.completed, chart.failed) == (5, 3, 1)
    first, second = chart.bars
    assert (first.completed_y, first.completed_height, first.failed_y, first.failed_height) == (40, 60, 20, 20)
    assert (second.completed_height, second.failed_height) == (0, 0)
    assert first.x + first.width < second.x < charts.WIDTH


@pytest.mark.parametrize(("count", "top"), [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (9_999, 10_000)])
def test_a_scale_ends_at_a_round_number(count: int, top: int) -> None:
    assert charts.round_up(count) == top


def test_what_a_worker_leaves_to_others_and_what_nobody_takes_is_told(staff_client: Client, model: MLModel) -> None:
    worker_lives(lane="|urgent")
    picture_rows(1, model)

    told = figures(staff_client)

    assert "It is kept free for these priorities: Urgent." in told
    assert f"1 picture waits that no worker takes: {model.key} (Normal)." in told


def test_workers_that_have_been_silent_are_not_told(staff_client: Client) -> None:
    worker_lives(seen_at=timezone.now() - timedelta(minutes=5))

    assert "attic" not in figures(staff_client)
