"""How values lie in the shared cache: as JSON, never as pickle, which would run what a forger of entries likes."""

import json
from typing import Any


class JSONSerializer:
    """A serializer for Django's Redis cache; what JSON cannot hold is refused with a TypeError."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
