"""The web server is killed in the middle of uploads: an upload is there as a whole, and analyzed, or leaves nothing."""

import os
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.faults.harness import Figures, Ground, Web
from benchmarks.faults.postgresql_outage import is_up
from imageanalysis.tests.application import Person
from imageanalysis.tests.processes import until
from images.models import Image

# Where the process dies, and how many pictures there are afterwards.
POINTS = {"after_file_stored": 0, "before_upload_commit": 0, "before_doorbell": 1, "before_answer": 1}


def run(ground: Ground) -> Figures:
    ground.workers()
    broken = []
    with ground.web() as web:
        until(lambda: is_up(web.url), "the web server does not answer")
        person = Person(web.url, f"uploader{os.getpid()}")
        for _ in range(ground.options.times):
            broken += [f"in the middle of the body: {fault}" for fault in die_in_the_body(ground, web, person)]
            for point, expected in POINTS.items():
                broken += [f"{point}: {fault}" for fault in die_at(ground, web, person, point, expected)]
    ground.wait_until_ended()
    return {"deaths": (len(POINTS) + 1) * ground.options.times, "windows": len(POINTS) + 1, "broken": broken}


def die_at(ground: Ground, web: Web, person: Person, point: str, expected: int) -> list[str]:
    before = set(Image.objects.values_list("pk", flat=True))
    ground.arm(point, "kill")
    try:
        answer = person.upload("photograph-01.jpg", ground.files[1])
    except httpx.TransportError:
        answer = None
    until(lambda: is_up(web.url), "the web server did not come back")
    new = set(Image.objects.values_list("pk", flat=True)) - before
    ground.accepted |= new
    found = [f"{len(new)} pictures instead of {expected}"] if len(new) != expected else []
    return [*found, "the upload was answered"] if answer else found


def die_in_the_body(ground: Ground, web: Web, person: Person) -> list[str]:
    """Send half of a large upload, kill the process that receives it."""
    before = Image.objects.count()
    address = urlsplit(web.url)
    uploads = Path(web.environment["DATA_DIR"]) / "uploads"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(half_an_upload(person, f"{address.hostname}:{address.port}"))
        until(lambda: any(uploads.iterdir()), "nothing arrives")
        for pid in web.children():
            os.kill(pid, signal.SIGKILL)
    until(lambda: is_up(web.url), "the web server did not come back")
    for path in uploads.iterdir():
        os.utime(path, (0, 0))  # long ago
    ground.let_litter_age()
    left = [path.name for path in uploads.iterdir()]
    return [f"left {left}"] * bool(left) + ["a picture came about"] * (Image.objects.count() != before)


def half_an_upload(person: Person, host: str) -> bytes:
    cookies = "; ".join(f"{name}={value}" for name, value in person.client.cookies.items())
    body = (
        b'--x\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n'
        + person.token.encode()
        + b'\r\n--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n'
        + b"Content-Type: image/jpeg\r\n\r\n"
        + bytes(4_000_000)
    )
    head = (
        f"POST /images/upload/ HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\nOrigin: http://{host}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {2 * len(body)}\r\n\r\n"
    )
    return head.encode() + body
