"""Private media: the bytes of a picture for its owner, in headers that keep them private and inert."""

import mimetypes

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404

MEDIA_TYPES = {".avif": "image/avif", ".heic": "image/heic", ".webp": "image/webp"}


def file_response(name: str, *, filename: str) -> FileResponse:
    """Stream a stored file inline under the name that its owner gave it; 404 when it is gone."""
    try:
        file = default_storage.open(name)
    except FileNotFoundError as error:
        raise Http404("the file is gone") from error
    response = FileResponse(file, filename=filename, content_type=media_type(name))
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def media_type(name: str) -> str:
    """The type by the stored extension, which comes from the detected format, never from the user."""
    extension = f".{name.rpartition('.')[2]}"
    return MEDIA_TYPES.get(extension) or mimetypes.types_map.get(extension, "application/octet-stream")
