"""Uploads as a browser or a program sends them, and what they leave on the disk."""

from pathlib import Path
from typing import Any

from django.http import HttpResponse
from django.test import Client

UPLOAD = "/images/upload/"
JSON = {"accept": "application/json"}
BOUNDARY = "----boundary-of-the-test"


def upload(client: Client, *files: tuple[str, bytes], as_json: bool = True, **fields: Any) -> Any:
    """Post files under exactly these names, which Django's own client would tidy up first."""
    parts = [part(f'form-data; name="{name}"', value.encode()) for name, value in fields.items()]
    parts += [part(disposition(name), content) for name, content in files]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    headers = JSON if as_json else {"accept": "text/html"}
    return client.post(UPLOAD, body, content_type=f"multipart/form-data; boundary={BOUNDARY}", headers=headers)


def part(header: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: {header}\r\n\r\n".encode() + content + b"\r\n"


def disposition(filename: str) -> str:
    """As browsers write it: quotes and line ends are percent-encoded, everything else is sent as it is."""
    safe = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return f'form-data; name="files"; filename="{safe}"'


def codes(response: HttpResponse) -> list[str]:
    """The codes of the refusals in a JSON answer."""
    return [error["code"] for error in response.json()["errors"]]  # type: ignore[attr-defined]


def files_in(folder: Path) -> list[str]:
    """Everything that lies below a folder, empty folders too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
