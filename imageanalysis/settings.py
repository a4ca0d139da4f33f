"""Settings: everything comes from the environment (or `.env`), with defaults for the embedded set-up on one machine."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from imageanalysis import logs, secret
from imageanalysis.object_storage import Bucket

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")


def broker_socket(data_dir: Path) -> Path:
    """Where the embedded broker listens: in the data folder, unless that path is too long for a unix socket (108)."""
    path = data_dir / "broker.sock"
    if len(os.fsencode(path)) < 100 and re.fullmatch(r"[\w./-]+", str(path), re.ASCII):  # it stands in an address
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"imageanalysis-{os.getuid()}-{digest}.sock"


# --- Where things lie ---------------------------------------------------------------------------------------------
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database lies in it, which is nobody else's to read
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(BASE_DIR / "media"))).resolve()
WEIGHTS_DIR = Path(env.str("WEIGHTS_DIR", default=str(DATA_DIR / "weights"))).resolve()
BIND = env.str("BIND", default="127.0.0.1:8000")
# Listening on every address is no address to visit.
VISITABLE = re.sub(r"^(0\.0\.0\.0|\[::\]|)(?=:\d+$)", "localhost", BIND)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://{VISITABLE}").rstrip("/")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or ""
PUBLIC_PORT = PUBLIC_URL.rpartition(":")[2]  # if it is a number; that it is a port is checked at the start

# --- Safety -------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or secret.load_or_create(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[
        "127.0.0.1",
        "localhost",
        "[::1]",
        *filter(None, [f"[{PUBLIC_HOST}]" if ":" in PUBLIC_HOST else PUBLIC_HOST]),
    ],
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
REGISTRATION_OPEN = env.bool("REGISTRATION_OPEN", default=True)
# How many proxies of ours stand in front; with none, what a request says about its sender's address means nothing.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

CONTENT_SECURITY_POLICY: dict[str, dict[str, list[str]]] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [
            SELF,
            "data:",
            "blob:",
        ],  # data: Bootstrap's own icons; blob: the preview before an upload
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
BUCKET = Bucket.of_url(env.str("STORAGE_URL")) if env.str("STORAGE_URL", default="") else None
IS_IN_BUCKET = BUCKET is not None
# Who sends the bytes of pictures: the application, nginx from a location of this prefix, or the bucket by a link that
# opens one file for so many seconds.
MEDIA_ACCEL_PREFIX = env.str("MEDIA_ACCEL_PREFIX", default="")
MEDIA_PRESIGNED_SECONDS = env.int("MEDIA_PRESIGNED_SECONDS", default=0)
if BUCKET and MEDIA_PRESIGNED_SECONDS:
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"] += BUCKET.origins
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
OVER_TLS = PUBLIC_URL.startswith("https://")
ALLOW_PLAIN_HTTP = env.bool("ALLOW_PLAIN_HTTP", default=False)
if OVER_TLS and TRUSTED_PROXY_COUNT:  # only a proxy of ours may say over what it was reached
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from within
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=365 * 24 * 3600)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
# Browsers' preload lists are for whole domains, for ever, and for their owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = OVER_TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Two copies on one machine share the host name and hence the cookie jar: the port in the name keeps them apart. It is
# the one that people visit, the same for all web servers of an installation, whatever each of them listens on.
COOKIE_SUFFIX = "" if OVER_TLS else f"_{PUBLIC_PORT if PUBLIC_PORT.isdecimal() else 80}"
# Browsers take a cookie of this prefix over TLS only, and from no other host of the domain.
COOKIE_PREFIX = "__Host-" if OVER_TLS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid{COOKIE_SUFFIX}"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken{COOKIE_SUFFIX}"
DEVICE_COOKIE_NAME = f"{COOKIE_PREFIX}device{COOKIE_SUFFIX}"
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = OVER_TLS, True, "Lax"
# A session ends so long after it was last used, and so long after the sign-in however much it is used.
SESSION_ENGINE = "accounts.sessions"
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=14 * 24 * 3600)
SESSION_ABSOLUTE_SECONDS = env.int("SESSION_ABSOLUTE_SECONDS", default=90 * 24 * 3600)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS  # the table says when it ends before

# --- The house ----------------------------------------------------------------------------------------------------
ROOT_URLCONF = "imageanalysis.urls"
WSGI_APPLICATION = "imageanalysis.wsgi.application"
INSTALLED_APPS = [
    "imageanalysis.desk.config.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "imageanalysis",
    "images",
    "analysis",
    "mlmodels",
    "accounts",
]
MIDDLEWARE = [
    "imageanalysis.middleware.RequestIdMiddleware",
    "imageanalysis.middleware.LeanNotModifiedMiddleware",
    "accounts.addresses.ClientAddressMiddleware",
    "imageanalysis.middleware.ProtectedMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",  # its redirect to https gets the headers above, too
    "whitenoise.middleware.WhiteNoiseMiddleware",  # below the headers that static files get, too
    "imageanalysis.middleware.PrivateByDefaultMiddleware",
    "accounts.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.AuthenticationMiddleware",
    "imageanalysis.middleware.DenialsMiddleware",
    "accounts.middleware.PreferredLanguageMiddleware",
    "accounts.middleware.GuessingMiddleware",
    "accounts.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "imageanalysis.context.application",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------------------------
EMBEDDED_DATABASE = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "db.sqlite3")}
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL") if env.str("DATABASE_URL", default="") else EMBEDDED_DATABASE
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "imageanalysis.sqlite"  # waits for its turn in another way
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        {
            # IMMEDIATE: a transaction that reads and then writes would otherwise fail at once when another one writes.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: an acknowledged upload survives a power cut, which WAL with NORMAL does not promise.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
        }
    )
    # The test database is a file too: an in-memory one cannot be shared with a live server or a worker.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
    # A server that vanishes without a word is given up after 20 seconds, not after the system's quarter of an hour.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 20_000,
        **DATABASES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# --- Broker, cache, queue -----------------------------------------------------------------------------------------
BROKER_SOCKET = broker_socket(DATA_DIR)
EMBEDDED_BROKER = not env.str("CELERY_BROKER_URL", default="")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="") or f"redis+socket://{BROKER_SOCKET}?virtual_host=0"
CACHES: dict[str, dict[str, Any]] = {
    "default": env.cache("CACHE_URL")
    if env.str("CACHE_URL", default="")
    else {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"unix://{BROKER_SOCKET}?db=1" if EMBEDDED_BROKER else CELERY_BROKER_URL,
        "KEY_PREFIX": "imageanalysis",
    }
}
if CACHES["default"]["BACKEND"].endswith("RedisCache"):
    CACHES["default"]["BACKEND"] = "imageanalysis.cache.RedisCache"
    CACHES["default"]["OPTIONS"] = {
        "serializer": "imageanalysis.cache.JSONSerializer",
        "socket_connect_timeout": 0.5,  # a cache that hangs holds nobody up for long
        "socket_timeout": 0.5,
        **CACHES["default"].get("OPTIONS", {}),
    }

WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=min(os.cpu_count() or 1, 4))
# What this machine's worker takes, everything when empty; see `analysis.lanes`.
WORKER_MODELS = env.list("WORKER_MODELS", default=[])
WORKER_PRIORITIES = env.list("WORKER_PRIORITIES", default=[])
INFERENCE_THREADS = env.int("INFERENCE_THREADS", default=max(1, (os.cpu_count() or 1) // max(1, WORKER_CONCURRENCY)))
# "auto" is the fastest that agrees with the reference; see docs/models.md.
INFERENCE_RUNTIME = env.str("INFERENCE_RUNTIME", default="auto")
INFERENCE_PRECISION = env.str("INFERENCE_PRECISION", default="auto")
INFERENCE_DEVICE = env.str("INFERENCE_DEVICE", default="auto")
CONVERTED_DIR = Path(env.str("CONVERTED_DIR", default=str(DATA_DIR / "converted"))).resolve()
MODEL_MEMORY_BUDGET_BYTES = env.int("MODEL_MEMORY_BUDGET_BYTES", default=2 * 1024**3)
MODEL_UPLOAD_MAX_BYTES = env.int("MODEL_UPLOAD_MAX_BYTES", default=4 * 1024**3)
# What an exam may take: a model that needs more fails it, whatever this machine could still do.
MODEL_EXAM_SECONDS = env.int("MODEL_EXAM_SECONDS", default=600)
MODEL_EXAM_MEMORY_BYTES = env.int(
    "MODEL_EXAM_MEMORY_BYTES", default=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4
)
# A worker takes this many pictures at once, and this many of them go through the network together.
BATCH_SIZE = env.int("BATCH_SIZE", default=16)
INFERENCE_BATCH_SIZE = env.int("INFERENCE_BATCH_SIZE", default=8)
# Threads of each worker process that prepare the next pictures while the network looks at the ones before.
PREPARATION_THREADS = env.int("PREPARATION_THREADS", default=INFERENCE_THREADS)
# A worker child that takes longer than this over one batch is killed, and its parent gives the rows back at once. What
# nobody gave back is taken back once it was not heard of for the lease.
RUN_HARD_LIMIT_SECONDS = env.int("RUN_HARD_LIMIT_SECONDS", default=120)
LEASE_SECONDS = env.int("LEASE_SECONDS", default=RUN_HARD_LIMIT_SECONDS + 15)
SWEEP_SECONDS = env.int("SWEEP_SECONDS", default=3)
# A worker that claims nothing for so long although pictures wait ends, to be started anew.
WATCHDOG_SECONDS = env.int("WATCHDOG_SECONDS", default=60)
# Touched whenever a worker has looked after the queue: whoever finds it old knows that the worker hangs.
PULSE_FILE = env.str("PULSE_FILE", default="")
# A worker that is asked to stop finishes what it has begun, but no longer than this.
STOP_GRACE_SECONDS = env.int("STOP_GRACE_SECONDS", default=RUN_HARD_LIMIT_SECONDS)
# Each priority moves on by at least one picture in this time, whatever comes in above it.
AGEING_SECONDS = env.int("AGEING_SECONDS", default=30)
PROGRESS_RETENTION_DAYS = env.int("PROGRESS_RETENTION_DAYS", default=30)  # 0: the progress log is kept for ever
# How often pages may ask how things stand, all together. One answer takes a core about 8 ms: a tenth of the machine.
POLLS_PER_SECOND = env.float("POLLS_PER_SECOND", default=15.0 * (os.cpu_count() or 1))
TOP_K = 5

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = RUN_HARD_LIMIT_SECONDS
CELERY_TASK_DEFAULT_QUEUE = "chores"  # mails, exports, exams; `analysis.lanes` has the queues of the doorbells
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 300  # the first child of all converts the default model before it reports
CELERY_WORKER_CONCURRENCY = WORKER_CONCURRENCY
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# An upload never waits for the broker: the sweep finds what no bell announced.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1, "socket_timeout": 3, "max_retries": 0}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"

# --- Pictures -----------------------------------------------------------------------------------------------------
STORAGES = {
    "default": BUCKET.storage if BUCKET else {"BACKEND": "images.storage.PictureStorage"},
    # Checkpoints that staff upload; every machine gets them from here.
    "models": BUCKET.models
    if BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": WEIGHTS_DIR / "added"},
    },
    "staticfiles": {
        "BACKEND": env.str("STATIC_STORAGE", default="django.contrib.staticfiles.storage.StaticFilesStorage")
    },
}
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=100 * 1024 * 1024)
UPLOAD_MAX_PIXELS = env.int("UPLOAD_MAX_PIXELS", default=250_000_000)
UPLOAD_MAX_FILES = env.int("UPLOAD_MAX_FILES", default=500)
MAX_UNFINISHED_PER_USER = env.int("MAX_UNFINISHED_PER_USER", default=0)  # 0: no limit, also of the next
MAX_UPLOADS_PER_DAY = env.int("MAX_UPLOADS_PER_DAY", default=0)
MAX_PICTURES_PER_USER = env.int("MAX_PICTURES_PER_USER", default=0)
MAX_BYTES_PER_USER = env.int("MAX_BYTES_PER_USER", default=0)
UPLOAD_MAX_REQUEST_BYTES = env.int("UPLOAD_MAX_REQUEST_BYTES", default=4 * 1024**3)
# Whether the form proposes to remove what originals tell beside the picture; also what programs get that say nothing.
UPLOAD_STRIP_METADATA = env.bool("UPLOAD_STRIP_METADATA", default=False)
# Each web process looks at uploads in so many processes of its own, half of them for one person at a time.
DECODER_PROCESSES = env.int("DECODER_PROCESSES", default=max(4, os.cpu_count() or 1))
DECODER_SECONDS = env.int("DECODER_SECONDS", default=30)
DECODER_MEMORY_BYTES = env.int(
    "DECODER_MEMORY_BYTES",
    # An RGBA picture of this size in the making: four canvases of four bytes.
    default=min(
        512 * 1024**2 + 16 * UPLOAD_MAX_PIXELS, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4
    ),
)
DECODER_MODULE = "mlmodels.inference.decoding.decoder"
# A deleted picture can be taken back for so long; a worker removes it with its files within 10 seconds after that.
UNDO_SECONDS = env.int("UNDO_SECONDS", default=300)
# A person's data as one file is kept for so long; making it is given up after so long.
EXPORT_RETENTION_HOURS = env.int("EXPORT_RETENTION_HOURS", default=72)
EXPORT_HARD_LIMIT_SECONDS = env.int("EXPORT_HARD_LIMIT_SECONDS", default=4 * 3600)
THUMBNAIL_MAX_SIDE_PX = 640
DEFAULT_MODEL = env.str("DEFAULT_MODEL", default="efficientnet:1.0.0")
DATA_UPLOAD_MAX_NUMBER_FILES = 2 * UPLOAD_MAX_FILES  # Django's own answer is a bare page: ours must come first
FILE_UPLOAD_PERMISSIONS = 0o640
FILE_UPLOAD_HANDLERS = [
    "images.upload_handlers.BoundedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# Parts of large uploads while they arrive: a folder of their own, so that what is left behind can be told.
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "uploads")
Path(FILE_UPLOAD_TEMP_DIR).mkdir(mode=0o700, exist_ok=True)

# --- Static files -------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None  # where they were collected, as an image's build does
# Where `manage.py start` keeps compressed copies with lasting names otherwise.
STATIC_COPIES_DIR = Path(env.str("STATIC_COPIES_DIR", default=str(DATA_DIR / "static"))).resolve()
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = env.bool("WHITENOISE_USE_FINDERS", default=True)

# --- People -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.UsernameOrEmailBackend"]
PASSWORD_HASHERS = [
    "accounts.hashing.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "images:home"
LOGOUT_REDIRECT_URL = "accounts:login"

# --- Mail ---------------------------------------------------------------------------------------------------------
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_RESET_TIMEOUT", default=30 * 60)  # seconds; Django's name for it
MAIL_IS_ON = bool(env.str("EMAIL_URL", default=""))
if MAIL_IS_ON:
    globals().update(env.email_url("EMAIL_URL"))
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)  # seconds; a worker process waits no longer for the server
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"Image Analysis <noreply@{PUBLIC_HOST}>")

# --- Languages and time -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")

# --- Logs ---------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", default="line")  # or "json": one object a line
SENTRY_DSN = env.str("SENTRY_DSN", default="")
# Who may read /metrics: who sends the token, or comes from one of the networks; nobody while neither is set.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = env.list("METRICS_NETWORKS", default=[])
LOGGING = logs.configuration(level=LOG_LEVEL, log_format=LOG_FORMAT)
