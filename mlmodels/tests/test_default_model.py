"""The default model: the one that staff chose while it can be used, else the one that the setting names."""

from django.test import Client
from pytest_django import Settings

from accounts.models import User
from mlmodels import default_model
from mlmodels.models import DefaultModel, MLModel
from mlmodels.tests.factories import MLModelFactory

MODELS = "/admin/mlmodels/mlmodel/"


def make_default(staff: User, *models: MLModel) -> str:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(staff)
    data = {"action": "make_default", "_selected_action": [model.pk for model in models]}
    return client.post(MODELS, data, follow=True).content.decode()


def test_without_a_choice_the_setting_counts(model: MLModel, settings: Settings) -> None:
    assert default_model.key() == settings.DEFAULT_MODEL == model.key


def test_staff_choose_one_that_is_ready_and_it_comes_first(staff: User, model: MLModel, settings: Settings) -> None:
    settings.DEFAULT_MODEL = "clip:9"

    told = make_default(staff, model)

    assert f"{model} runs when nobody names a model." in told
    assert default_model.key() == model.key
    assert MLModel.objects.offered()[0] == model


def test_a_model_without_weights_or_two_at_once_cannot_be_chosen(staff: User, model: MLModel) -> None:
    missing = MLModelFactory.create(name="resnet50")

    for models in ((missing,), (model, missing)):
        assert "Choose one model that is offered to users and ready." in make_default(staff, *models)
    assert not DefaultModel.objects.exists()


def test_another_choice_replaces_the_first_and_a_deleted_model_is_no_longer_chosen(
    staff: User, model: MLModel, settings: Settings
) -> None:
    other = MLModelFactory.create(name="resnet50")
    default_model.choose(other, by=staff)
    default_model.choose(model, by=staff)
    assert DefaultModel.objects.get().model == model

    model.delete()

    assert default_model.key() == settings.DEFAULT_MODEL


def test_the_list_marks_the_default(staff: User, model: MLModel) -> None:
    client = Client()
    client.force_login(staff)
    other = MLModelFactory.create(name="resnet50")

    def marked() -> list[MLModel]:
        answer = client.get(MODELS)
        is_default = answer.context["cl"].model_admin.is_default
        return [row for row in answer.context["cl"].result_list if is_default(row)]

    assert marked() == [model]
    default_model.choose(other, by=staff)
    assert marked() == [other]
