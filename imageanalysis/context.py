"""What every page may show about the application itself."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from analysis import pausing
from imageanalysis import checks


def application(request: HttpRequest) -> dict[str, Any]:
    return {
        "is_visited_in_the_clear": checks.is_visited_in_the_clear,
        "queue_pause": pausing.current,  # asked when a page shows it
        "registration_open": settings.REGISTRATION_OPEN,
        "upload_max_bytes": settings.UPLOAD_MAX_BYTES,
        "upload_max_files": settings.UPLOAD_MAX_FILES,
        "upload_max_megapixels": settings.UPLOAD_MAX_PIXELS // 1_000_000,
        "upload_strip_metadata": settings.UPLOAD_STRIP_METADATA,
        "max_pictures_per_user": settings.MAX_PICTURES_PER_USER,
        "max_bytes_per_user": settings.MAX_BYTES_PER_USER,
    }
