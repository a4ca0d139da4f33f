"""A web server on loopback that serves seeded weights, and misbehaves as told, one answer after the other."""

import random
import socket
import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Self


def seeded_bytes(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def name_of(content: bytes, stem: str = "network") -> str:
    """A file name in the manner of torch's hub, with the first digits of the SHA-256."""
    return f"{stem}-{sha256(content).hexdigest()[:8]}.pth"


@dataclass(frozen=True)
class Answer:
    """How one request is answered; by default as a good server would.

    `cut_after_bytes`: the connection ends there, with `reset` by an RST. `stall_after_bytes`: nothing more
    comes until `WeightsServer.release`. `claimed_bytes`: what Content-Length says instead of the truth.
    """

    status: int = 200
    cut_after_bytes: int | None = None
    reset: bool = False
    stall_after_bytes: int | None = None
    ignores_range: bool = False
    shifts_range_bytes: int = 0
    claimed_bytes: int | None = None
    says_length: bool = True
    redirect_to: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """What a client asked for, and how many bytes of the file were written to it."""

    path: str
    headers: dict[str, str]
    sent_bytes: int = 0


@dataclass
class Published:
    content: bytes
    etag: str
    answers: deque[Answer]


class WeightsServer:
    """Files by path; a used-up list of answers is followed by good ones."""

    def __init__(self) -> None:
        self.files: dict[str, Published] = {}
        self.requests: list[Request] = []
        self.release = Event()
        self.stalled = Event()
        self.lock = Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def publish(self, name: str, content: bytes, answers: Iterable[Answer] = (), *, etag: str | None = None) -> str:
        """Serve `content` under this name from now on; its address. Without `etag` it is made of the content."""
        made = f'"{sha256(content).hexdigest()[:16]}"'
        self.files[f"/{name}"] = Published(content, made if etag is None else etag, deque(answers))
        return f"{self.url}/{name}"

    @property
    def sent_bytes(self) -> list[int]:
        return [request.sent_bytes for request in self.requests]

    @property
    def asked_ranges(self) -> list[str]:
        return [request.headers.get("Range", "") for request in self.requests]

    def answer_to(self, request: Request) -> tuple[Published | None, Answer]:
        with self.lock:
            self.requests.append(request)
            published = self.files.get(request.path.partition("?")[0])
            return published, published.answers.popleft() if published and published.answers else Answer()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(WeightsHandler):
            weights_server = owner

        return Handler

    def __enter__(self) -> Self:
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class WeightsHandler(BaseHTTPRequestHandler):
    """Plays one `Answer` for every request."""

    weights_server: WeightsServer

    def do_GET(self) -> None:
        self.close_connection = True
        request = Request(self.path, dict(self.headers.items()))
        published, answer = self.weights_server.answer_to(request)
        if published is None or answer.status != 200:
            self.refuse(404 if published is None else answer.status, answer)
        elif answer.redirect_to:
            self.refuse(302, replace(answer, headers={"Location": answer.redirect_to, **answer.headers}))
        else:
            self.serve(request, published, answer)

    def refuse(self, status: int, answer: Answer) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def serve(self, request: Request, published: Published, answer: Answer) -> None:
        start = self.first_byte(request, published, answer)
        if start >= len(published.content) and start:
            return self.refuse(416, Answer(headers={"Content-Range": f"bytes */{len(published.content)}"}))
        body = published.content[start:]
        self.send_response(206 if start else 200)
        for name, value in self.headers_of(published, answer, start).items():
            self.send_header(name, value)
        self.end_headers()
        return self.send_body(request, body, answer)

    def first_byte(self, request: Request, published: Published, answer: Answer) -> int:
        wanted = request.headers.get("Range", "")
        validators = (published.etag, answer.headers.get("Last-Modified", ""))
        unchanged = request.headers.get("If-Range", published.etag) in validators
        if not wanted or answer.ignores_range or not unchanged:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-")) + answer.shifts_range_bytes

    def headers_of(self, published: Published, answer: Answer, start: int) -> dict[str, str]:
        size = len(published.content)
        length = size - start if answer.claimed_bytes is None else answer.claimed_bytes
        headers = {"Content-Length": str(length)} if answer.says_length else {}
        if published.etag:
            headers["ETag"] = published.etag
        if start:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        return {**headers, **answer.headers}

    def send_body(self, request: Request, body: bytes, answer: Answer) -> None:
        stops = [stop for stop in (answer.cut_after_bytes, answer.stall_after_bytes) if stop is not None]
        self.send(request, body[: min(stops, default=len(body))])
        if answer.stall_after_bytes is not None:
            self.weights_server.stalled.set()
            self.weights_server.release.wait()
            self.send(request, body[answer.stall_after_bytes :])
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()  # before the server says goodbye in an orderly way

    def send(self, request: Request, body: bytes) -> None:
        request.sent_bytes += len(body)  # before: the client may have looked at everything when `write` returns
        try:
            self.wfile.write(body)
        except OSError:  # the client was killed, or lost its patience
            request.sent_bytes -= len(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests look at `requests`."""
