"""Whoever could write to the broker would make a worker run nothing, and stop none."""

import base64
import json
import os
import pickle
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from pytest_django import Settings
from redis import Redis

from accounts.models import User
from analysis import doorbell
from analysis.tests.queue import wait_until_all_ended
from imageanalysis.tests.servers import Broker, Worker
from images.tests.factories import photograph, queued_image
from mlmodels.models import MLModel


class Evil:
    """Unpickling it writes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


def message(body: bytes, *, task: str = doorbell.LOOK_AT_QUEUE, content_type: str = "application/json") -> bytes:
    """As kombu writes it."""
    number = str(uuid.uuid4())
    delivery = {"exchange": "", "routing_key": django_settings.CELERY_TASK_DEFAULT_QUEUE}
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "binary" if "python" in content_type else "utf-8",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": number, "root_id": number},
            "properties": {
                "correlation_id": number,
                "delivery_mode": 2,
                "delivery_info": delivery,
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    ).encode()


def forged(canary: Path) -> dict[str, bytes]:
    """By what the worker's log says of each."""
    return {
        "application/x-python-serialize": message(
            pickle.dumps(([Evil(canary)], {}, {})), content_type="application/x-python-serialize"
        ),
        "os.system": message(json.dumps([[f"touch {canary}"], {}, {}]).encode(), task="os.system"),
        "takes 1 positional argument but": message(json.dumps([["an argument"], {}, {}]).encode()),
        "no JSON": message(b"no JSON"),
    }


def test_it_is_dropped_and_told_and_the_worker_goes_on(
    transactional_db: None, broker: Broker, settings: Settings, owner: User, model: MLModel, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    with Worker(media_root=settings.MEDIA_ROOT) as worker, Redis(unix_socket_path=str(broker.socket_path)) as client:
        for said, content in forged(canary).items():
            client.lpush(settings.CELERY_TASK_DEFAULT_QUEUE, content)
            worker.wait_for_line(said, seconds=120)

        queued_image(user=owner, model=model, content=photograph("coffee.png"))
        wait_until_all_ended(worker)

        assert worker.process.poll() is None
    assert not canary.exists()
