"""Which code this process runs: processes of one installation tell by it whether they were all started anew."""

import hashlib
from pathlib import Path

from django.conf import settings

PACKAGES = ("accounts", "analysis", "imageanalysis", "images", "mlmodels")
DIGITS = 12


def code_version(root: Path) -> str:
    """The first digits of the SHA-256 over names and contents of the application's modules, tests left out."""
    digest = hashlib.sha256()
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        name = path.relative_to(root)
        if "tests" not in name.parts:
            digest.update(f"{name.as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:DIGITS]


THIS_CODE = code_version(settings.BASE_DIR)  # read at the start: what is changed on the disk later does not run here
