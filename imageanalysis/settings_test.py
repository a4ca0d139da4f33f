"""The settings for tests: a data folder of their own, a quick password hasher, plain logs."""

import os
import tempfile
from pathlib import Path

# Tests never touch an installation's data, also when its addresses stand in the environment.
shared = Path(os.environ.get("TEST_DATA_DIR") or tempfile.mkdtemp(prefix="imageanalysis-test-"))
os.environ["TEST_DATA_DIR"] = str(shared)
for address in ("CELERY_BROKER_URL", "CACHE_URL"):
    os.environ.pop(address, None)
# Each of the processes that share a run's tests has a broker, a database and files of its own.
own = shared / os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["DATA_DIR"] = str(own / "data")
os.environ["MEDIA_ROOT"] = str(own / "media")
# Copying the static files takes seconds: once for all applications that one of them starts, one after the other.
os.environ["STATIC_COPIES_DIR"] = str(own / "static")
# So does converting a model, which waits for whoever else is at it: once for all of them.
os.environ["CONVERTED_DIR"] = str(shared / "converted")
# One thread for each process that computes: two of torch's wait for each other by spinning, and where others compute
# too, that takes several times as long.
os.environ |= {"OMP_NUM_THREADS": "1", "INFERENCE_THREADS": "1"}
Path(os.environ["DATA_DIR"]).mkdir(parents=True, exist_ok=True)
Path(os.environ["MEDIA_ROOT"]).mkdir(parents=True, exist_ok=True)

from imageanalysis.settings import *  # noqa: E402, F403
from imageanalysis.settings import MIDDLEWARE as OURS  # noqa: E402

MIDDLEWARE = ["imageanalysis.tests.log_review.NotesSecretsMiddleware", *OURS]

WHITENOISE_AUTOREFRESH = True  # looks files up when they are asked for, instead of all of them for every client
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
