"""Pause and resume: nothing is claimed meanwhile, what runs is finished, and everybody can see it."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from analysis import lifecycle, pausing
from analysis.models import QueuePause
from analysis.tests.queue import claim
from images.tests.factories import drawn_picture, queued_image
from images.tests.uploads import JSON, upload
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

BANNER = "The queue is paused; your pictures wait and nothing is lost."
QUEUE = "/admin/analysis/analysisqueue/"
PAUSE, RESUME = f"{QUEUE}pause/", f"{QUEUE}resume/"


def page(client: Client, address: str = "/") -> str:
    return client.get(address).content.decode()


def test_while_paused_nothing_is_claimed_and_what_runs_is_finished(owner: User, staff: User, model: MLModel) -> None:
    queued_image(user=owner, model=model)
    held = claim()
    queued_image(user=owner, model=model)

    pausing.pause(by=staff)
    assert lifecycle.claim_batch(limit=1) == []
    assert lifecycle.complete({held: [Prediction("espresso", 97.0)]}) == [held]

    pausing.resume(by=staff)
    assert len(lifecycle.claim_batch(limit=1)) == 1


def test_uploads_go_on_meanwhile(owner_client: Client, staff: User, model: MLModel) -> None:
    pausing.pause(by=staff)

    assert upload(owner_client, ("a.png", drawn_picture())).status_code == 201


def test_staff_pause_and_resume_in_the_admin_and_see_who_and_since_when(
    staff_client: Client, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    caplog.set_level("INFO")
    assert "Pause the queue" in page(staff_client, QUEUE)

    staff_client.post(PAUSE)
    shown = page(staff_client, QUEUE)
    assert ("by staff since" in shown, "Resume the queue" in shown) == (True, True)

    staff_client.post(RESUME)
    assert "Pause the queue" in page(staff_client, QUEUE)
    written = [record.getMessage() for record in caplog.records if record.name == "audit"]
    assert written == ["queue_paused", "queue_resumed"]


def test_pausing_twice_is_pausing_once(staff: User) -> None:
    assert [pausing.pause(by=staff), pausing.pause(by=staff)] == [True, False]
    assert [pausing.resume(by=staff), pausing.resume(by=staff)] == [True, False]
    assert QueuePause.objects.count() == 1


def test_a_banner_is_on_every_page_of_people_who_have_signed_in(
    owner_client: Client, client: Client, owner: User, staff: User, model: MLModel
) -> None:
    image = queued_image(user=owner, model=model)
    addresses = ("/", "/images/upload/", image.get_absolute_url(), "/nowhere/")
    assert not any(f"<p>{BANNER}</p>" in page(owner_client, address) for address in addresses)

    pausing.pause(by=staff)

    assert all(f"<p>{BANNER}</p>" in page(owner_client, address) for address in addresses)
    assert BANNER not in page(client, "/accounts/login/")
    assert "Estimating" not in page(owner_client, image.get_absolute_url())


def test_only_who_may_change_the_queue_can_pause_it(owner_client: Client, staff: User) -> None:
    clerk = Client()
    clerk.force_login(UserFactory.create(is_staff=True))
    pausing.pause(by=staff)

    for client, status in ((clerk, 403), (owner_client, 302), (Client(), 302)):
        for address in (PAUSE, RESUME):
            assert client.post(address, headers=JSON).status_code in (status, 401)
    assert pausing.is_paused()


def test_a_pause_outlives_who_made_it(owner_client: Client, staff: User, staff_client: Client) -> None:
    pausing.pause(by=UserFactory.create(is_staff=True))
    User.objects.filter(is_staff=True).exclude(pk=staff.pk).delete()

    assert pausing.is_paused()
    assert "Resume the queue" in page(staff_client, QUEUE)
