"""Staff see whether weights are here, and have a worker fetch them."""

import redis
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from imageanalysis.tests.servers import Broker
from mlmodels.models import MLModel
from mlmodels.tests.factories import MLModelFactory

MODELS = "admin:mlmodels_mlmodel_changelist"


def signed_in(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def fetch(client: Client, *models: MLModel) -> str:
    data = {"action": "fetch_weights", "_selected_action": [model.pk for model in models]}
    return client.post(reverse(MODELS), data, follow=True).content.decode()


def test_without_a_broker_fetching_says_so(staff: User) -> None:
    assert "The broker does not answer." in fetch(signed_in(staff), MLModelFactory.create(name="resnet50"))


def test_a_model_without_its_weights_says_the_command_that_gets_them(staff: User, model: MLModel) -> None:
    MLModelFactory.create(name="resnet50")

    page = signed_in(staff).get(reverse(MODELS)).content.decode()

    assert "python manage.py fetch_weights resnet50:1.0.0" in page
    assert "fetch_weights efficientnet:1.0.0" not in page


def test_fetching_puts_one_message_for_each_model_that_is_missing(broker: Broker, staff: User, model: MLModel) -> None:
    missing = MLModelFactory.create(name="resnet50")

    page = fetch(signed_in(staff), model, missing)

    assert "1 model is being fetched." in page
    with redis.Redis(unix_socket_path=str(settings.BROKER_SOCKET)) as server:
        (message,) = server.lrange("chores", 0, -1)
    assert b"mlmodels.fetch_weights" in message
