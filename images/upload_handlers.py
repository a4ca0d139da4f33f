"""What stands between a request's body and the files of an upload: a bound on their size, and their SHA-256."""

import hashlib
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler

SHA256 = "sha256"  # among what a file's `content_type_extra` tells, which all handlers of one file share


class BoundedUploadHandler(FileUploadHandler):
    """Stands before the handlers that keep what arrives, and takes its SHA-256 on the way.

    Files larger than allowed are read to their end, which lets their sender be told why, but take no room meanwhile:
    what is beyond UPLOAD_MAX_BYTES arrives cut off a chunk behind it, so that it can still be refused by its name.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.arrived_bytes = 0
        self.digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        is_too_large = self.arrived_bytes > settings.UPLOAD_MAX_BYTES
        self.arrived_bytes += len(raw_data)
        if is_too_large:
            return None
        self.digest.update(raw_data)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The handlers behind this one have the file."""
        if self.content_type_extra is not None:
            self.content_type_extra[SHA256] = self.digest.digest()
