"""Pictures in a bucket that speaks S3: what `STORAGE_URL` says, in the words of django-storages."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured

MODELS_FOLDER = "models/"
IN_MEMORY_BYTES = 8 * 1024**2  # of a file that is read; a checkpoint has gigabytes


@dataclass(frozen=True)
class Bucket:
    """`s3://bucket?endpoint=https://host:9000&region=eu-central-1`; without an endpoint it is Amazon's.

    Keys come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or from the machine's role.
    """

    name: str
    endpoint: str | None = None
    region: str | None = None

    @classmethod
    def of_url(cls, url: str) -> "Bucket":
        parts = urlsplit(url)
        said = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme != "s3" or not parts.hostname or parts.password or set(said) - {"endpoint", "region"}:
            raise ImproperlyConfigured(
                "STORAGE_URL must look like s3://bucket?endpoint=https://host:9000&region=name, without keys."
            )
        return cls(parts.netloc, said.get("endpoint"), said.get("region"))

    @property
    def storage(self) -> dict[str, Any]:
        """Where pictures are, as an entry of Django's STORAGES."""
        return self._entry()

    @property
    def models(self) -> dict[str, Any]:
        """Where the checkpoints of staff are, apart from the pictures."""
        return self._entry(location=MODELS_FOLDER)

    def _entry(self, location: str = "") -> dict[str, Any]:
        """Objects get no rights of their own: the bucket has to be private."""
        options = {
            "bucket_name": self.name,
            "location": location,
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "addressing_style": "path" if self.endpoint else "virtual",
            "signature_version": "s3v4",
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
            "max_memory_size": IN_MEMORY_BYTES,
            "object_parameters": {"CacheControl": "private, no-store"},
        }
        return {"BACKEND": "imageanalysis.bucket_storage.BucketStorage", "OPTIONS": options}

    @property
    def origins(self) -> list[str]:
        """Where a browser finds its objects, for the content security policy."""
        if self.endpoint:
            parts = urlsplit(self.endpoint)
            return [f"{parts.scheme}://{parts.netloc}"]
        regional = [f"https://{self.name}.s3.{self.region}.amazonaws.com"] if self.region else []
        return [f"https://{self.name}.s3.amazonaws.com", *regional]
