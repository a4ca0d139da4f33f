"""A model of the catalogue whose row was deleted comes back by a button on the list."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.tests.clients import client_of
from accounts.tests.factories import UserFactory
from mlmodels import catalogue_rows
from mlmodels.descriptions import DESCRIPTIONS
from mlmodels.inference import catalogue
from mlmodels.inference.weights import StoredWeights
from mlmodels.models import MLModel
from mlmodels.tests.factories import added_model

MODELS = "/admin/mlmodels/mlmodel/"
BACK = f"{MODELS}add/back/"
AGAIN = "Add ResNet-50 1.0.0 again"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("weights_of_its_own")]


@pytest.fixture(autouse=True)
def rows() -> None:
    """Those of an installation that is new."""
    for key in catalogue.MODELS:
        catalogue_rows.bring_back(key)


def without_resnet50() -> MLModel:
    before = MLModel.objects.get(name="resnet50")
    MLModel.objects.filter(pk=before.pk).update(description="Ours.", is_active=False)
    MLModel.objects.get(pk=before.pk).delete()
    return before


def listed(client: Client) -> str:
    return client.get(MODELS).content.decode()


def test_a_deleted_model_comes_back_as_it_was_at_first(staff_client: Client) -> None:
    assert " again</button>" not in listed(staff_client)
    before = without_resnet50()
    assert AGAIN in listed(staff_client)

    page = staff_client.post(BACK, {"key": "resnet50:1.0.0"}, follow=True).content.decode()

    assert "“ResNet-50 1.0.0” is back, as it was at first." in page
    assert "Fetch the weights" in page
    back = MLModel.objects.get(name="resnet50")
    assert (back.version, back.is_active, back.description) == ("1.0.0", True, before.description)
    assert AGAIN not in listed(staff_client)


def test_weights_that_are_still_here_are_made_ready_first(weights_of_its_own: Path) -> None:
    without_resnet50()
    weights = catalogue.find("resnet50:1.0.0").weights
    assert isinstance(weights, StoredWeights)
    (weights_of_its_own / weights.file).write_bytes(b"weights")

    assert catalogue_rows.bring_back("resnet50:1.0.0").exam.is_first_load


def test_what_is_there_already_stays_as_it_is(staff_client: Client) -> None:
    MLModel.objects.filter(name="resnet50").update(description="Ours.", is_active=False)

    staff_client.post(BACK, {"key": "resnet50:1.0.0"})

    assert MLModel.objects.filter(name="resnet50", description="Ours.", is_active=False).count() == 1


@pytest.mark.parametrize("key", ["", "resnet50:9", "custom:1.0.0"])
def test_what_the_catalogue_does_not_have_cannot_come_back(staff_client: Client, key: str) -> None:
    added_model().delete()

    assert staff_client.post(BACK, {"key": key}).status_code == 404


def test_staff_who_may_add_nothing_see_no_button() -> None:
    without_resnet50()
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="change_mlmodel"))

    assert AGAIN not in listed(client_of(clerk))
    assert client_of(clerk).post(BACK, {"key": "resnet50:1.0.0"}).status_code == 403


def test_every_model_of_the_catalogue_has_its_description() -> None:
    assert {f"{name}:{version}" for name, version in DESCRIPTIONS} == set(catalogue.MODELS)
