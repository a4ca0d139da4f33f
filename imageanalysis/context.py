"""What every page may show about the application itself."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from analysis import pausing


def application(request: HttpRequest) -> dict[str, Any]:
    return {
        "queue_pause": pausing.current,  # asked when a page shows it
        "registration_open": settings.REGISTRATION_OPEN,
        "upload_max_bytes": settings.UPLOAD_MAX_BYTES,
        "upload_max_files": settings.UPLOAD_MAX_FILES,
    }
