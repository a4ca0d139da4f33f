"""Private media: the bytes of a stored file for its owner, in headers that keep them private and inert.

The view has asked whose they are before anything here looks at what the browser knows already: to everybody else the
file does not exist, whatever tag or range they send.
"""

import mimetypes
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import get_conditional_response
from django.utils.crypto import salted_hmac
from django.utils.http import content_disposition_header

from analysis.pictures import GONE
from images.byte_ranges import Part, UnsatisfiableRangeError, wanted

MEDIA_TYPES = {".avif": "image/avif", ".heic": "image/heic", ".webp": "image/webp"}
INERT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
NEVER_KEPT = "private, no-store"
# A browser keeps it and asks each time whether it may still show it, which costs no bytes.
ASKED_AGAIN = "private, no-cache"


def file_response(
    name: str, *, filename: str, request: HttpRequest, cache_control: str = NEVER_KEPT, as_attachment: bool = False
) -> HttpResponseBase:
    """A stored file under the name that its owner gave it; 404 when it is gone.

    Answers 304 to a browser that has it, 206 or 416 to one that wants one range of it. Leaves the bytes to the proxy or
    to the object store where the settings say so.
    """
    etag = etag_of(name)
    known = get_conditional_response(request, etag=etag)
    if known is not None:
        return protected(known, cache_control=cache_control, etag=etag)
    disposition = content_disposition_header(as_attachment, filename) or "inline"
    response = _by_others(name, disposition, request) or _by_ourselves(name, request, etag)
    response["Content-Disposition"] = disposition
    return protected(response, cache_control=cache_control, etag=etag)


def protected(response: HttpResponseBase, *, cache_control: str, etag: str) -> HttpResponseBase:
    response["Cache-Control"] = cache_control
    response["Content-Security-Policy"] = INERT
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["ETag"] = etag
    return response


def etag_of(name: str) -> str:
    """A stored file never changes under its name, which nobody can guess; nor can they its keyed hash."""
    return f'"{salted_hmac("images.media", name, algorithm="sha256").hexdigest()[:32]}"'


def _by_others(name: str, disposition: str, request: HttpRequest) -> HttpResponse | None:
    if settings.IS_IN_BUCKET and settings.MEDIA_PRESIGNED_SECONDS and request.method == "GET":
        return _by_object_store(name, disposition)
    if settings.MEDIA_ACCEL_PREFIX and not settings.IS_IN_BUCKET:
        return _by_proxy(name)
    return None


def _by_proxy(name: str) -> HttpResponse:
    """Tell the proxy which file to send: nginx reads this header of ours, and of nobody else."""
    _unless_gone(default_storage.open, name).close()
    response = HttpResponse(content_type=media_type(name))
    response["X-Accel-Redirect"] = settings.MEDIA_ACCEL_PREFIX + quote(name)
    return response


def _by_object_store(name: str, disposition: str) -> HttpResponse:
    """Send the browser to an address that the store honours for this one file, type and name, for seconds only."""
    said = {
        "ResponseContentType": media_type(name),
        "ResponseContentDisposition": disposition,
        "ResponseCacheControl": NEVER_KEPT,
    }
    address = default_storage.url(name, parameters=said, expire=settings.MEDIA_PRESIGNED_SECONDS)  # type: ignore[call-arg]
    return HttpResponseRedirect(address)


def _by_ourselves(name: str, request: HttpRequest, etag: str) -> HttpResponseBase:
    file = _looked_up(name)
    size_bytes = file.size
    asks_for_part = request.method == "GET" and request.headers.get("If-Range", etag) == etag
    try:
        part = wanted(request.headers.get("Range", ""), size_bytes) if asks_for_part else None
    except UnsatisfiableRangeError:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size_bytes}"})
    response = _with_bytes(file, part) if request.method == "GET" else _without_bytes(file)
    response["Content-Type"] = media_type(name)
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(len(part) if part else size_bytes)
    if part:
        response.status_code = 206
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size_bytes}"
    return response


def _with_bytes(file: Any, part: range | None) -> HttpResponseBase:
    if not part:
        return FileResponse(file.open())
    return FileResponse(file.part(part) if settings.IS_IN_BUCKET else Part(file, part))


def _without_bytes(file: Any) -> HttpResponseBase:
    file.close()
    return HttpResponse()


def _looked_up(name: str) -> Any:
    """A stored file; of a bucket's no byte is fetched yet."""
    return _unless_gone(default_storage.look_up if settings.IS_IN_BUCKET else default_storage.open, name)  # type: ignore[attr-defined]


def _unless_gone(find: Callable[[str], Any], name: str) -> Any:
    try:
        return find(name)
    except GONE as error:
        raise Http404("the file is gone") from error


def media_type(name: str) -> str:
    """The type by the stored extension, which comes from the detected format, never from the user."""
    extension = f".{name.rpartition('.')[2]}"
    return MEDIA_TYPES.get(extension) or mimetypes.types_map.get(extension, "application/octet-stream")
