"""Files larger than allowed are read to their end, which lets their sender be told why, but take no room meanwhile."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler


class BoundedUploadHandler(FileUploadHandler):
    """Stands before the handlers that keep what arrives.

    What is beyond UPLOAD_MAX_BYTES arrives cut off a chunk behind it, so that it can still be refused by its name.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.arrived_bytes = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        is_too_large = self.arrived_bytes > settings.UPLOAD_MAX_BYTES
        self.arrived_bytes += len(raw_data)
        return None if is_too_large else raw_data

    def file_complete(self, file_size: int) -> None:
        """The handlers behind this one have the file."""
