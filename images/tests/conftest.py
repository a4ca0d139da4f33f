"""What tests of pictures ask the broker."""

from collections.abc import Callable, Iterator
from typing import cast

import pytest
import redis
from django.conf import settings as django_settings

from imageanalysis.tests.servers import Broker


@pytest.fixture
def asked(broker: Broker) -> Iterator[Callable[[], int]]:
    """How many messages wait for a worker."""
    with redis.Redis(unix_socket_path=str(django_settings.BROKER_SOCKET)) as server:
        server.flushall()
        yield lambda: cast("int", server.llen("chores"))
