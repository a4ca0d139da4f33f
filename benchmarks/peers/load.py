"""The load: so many pictures under way at a time, each timed from its first byte sent to its labels."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

Labels = list[dict[str, Any]]
# Asks a server for the labels of one picture; one for each thread, with a connection of its own.
Asker = Callable[[bytes], Labels]


@dataclass(frozen=True, slots=True)
class Measured:
    pictures_per_second: float
    seconds: list[float]


def measure(new_asker: Callable[[], Asker], files: Sequence[bytes], *, concurrency: int) -> Measured:
    """`concurrency` threads take one picture after the other; raises whatever an asker raises."""
    own = threading.local()

    def ask(content: bytes) -> float:
        if not hasattr(own, "asker"):
            own.asker = new_asker()
        began = time.perf_counter()
        labels = own.asker(content)
        assert len(labels) == 5, labels
        return time.perf_counter() - began

    began = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        seconds = list(pool.map(ask, files))
    return Measured(len(files) / (time.perf_counter() - began), seconds)


class Connection:
    """One kept-alive connection; the same cheap client for everybody."""

    def __init__(self, port: int, headers: dict[str, str] | None = None) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = headers or {}

    def get(self, address: str) -> bytes:
        return self._answer("GET", address)

    def post_json(self, address: str, value: Any) -> Any:
        return json.loads(self._answer("POST", address, json.dumps(value).encode(), "application/json"))

    def post_file(self, address: str, field: str, content: bytes, form: dict[str, str] | None = None) -> Any:
        boundary = uuid.uuid4().hex
        parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in (form or {}).items()]
        parts.append(_part(boundary, f'name="{field}"; filename="a.jpg"\r\nContent-Type: image/jpeg', content))
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return json.loads(self._answer("POST", address, body, f"multipart/form-data; boundary={boundary}"))

    def _answer(self, verb: str, address: str, body: bytes | None = None, media_type: str = "") -> bytes:
        headers = {**self._headers, **({"Content-Type": media_type} if media_type else {})}
        try:
            answer = self._begun(verb, address, body, headers)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            self._http.close()  # the server had let go of a connection that was not used for a while
            answer = self._begun(verb, address, body, headers)
        content = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{verb} {address}: {answer.status} {content[:500]!r}")
        return content

    def _begun(self, verb: str, address: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._http.request(verb, address, body, headers)
        return self._http.getresponse()


def _part(boundary: str, disposition: str, content: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"
