"""The settings for tests: a data folder of their own, a quick password hasher, plain logs."""

import os
import tempfile
from pathlib import Path

# Tests never touch an installation's data, also when its addresses stand in the environment.
os.environ.setdefault("TEST_DATA_DIR", tempfile.mkdtemp(prefix="imageanalysis-test-"))
for address in ("CELERY_BROKER_URL", "CACHE_URL"):
    os.environ.pop(address, None)
os.environ["DATA_DIR"] = str(Path(os.environ["TEST_DATA_DIR"], "data"))
# Converting a model takes seconds: once for all applications and workers of a test run.
os.environ["CONVERTED_DIR"] = str(Path(os.environ["TEST_DATA_DIR"], "converted"))
# So does copying the static files.
os.environ["STATIC_COPIES_DIR"] = str(Path(os.environ["TEST_DATA_DIR"], "static"))
os.environ["MEDIA_ROOT"] = str(Path(os.environ["TEST_DATA_DIR"], "media"))
Path(os.environ["DATA_DIR"]).mkdir(parents=True, exist_ok=True)
Path(os.environ["MEDIA_ROOT"]).mkdir(parents=True, exist_ok=True)

from imageanalysis.settings import *  # noqa: E402, F403
from imageanalysis.settings import MIDDLEWARE as OURS  # noqa: E402

MIDDLEWARE = ["imageanalysis.tests.log_review.NotesSecretsMiddleware", *OURS]

WHITENOISE_AUTOREFRESH = True  # looks files up when they are asked for, instead of all of them for every client
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
