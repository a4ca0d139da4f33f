"""The shared cache: Django's for Redis, with values as JSON and a client that is made once."""

import json
from typing import Any

from django.core.cache.backends import redis as django_redis


class JSONSerializer:
    """Never pickle, which would run what a forger likes; what JSON cannot hold is refused with a TypeError."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class _KeptClient(django_redis.RedisCacheClient):
    """Django makes a `Redis` for every command, which takes longer than a server on the same machine to answer it.

    One for reading and one for writing are enough: they take a connection out of their pool for every command.
    """

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **options)
        self._clients: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if write not in self._clients:
            self._clients[write] = super().get_client(key, write=write)
        return self._clients[write]


class RedisCache(django_redis.RedisCache):
    """`django.core.cache.backends.redis.RedisCache`, quicker."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _KeptClient
