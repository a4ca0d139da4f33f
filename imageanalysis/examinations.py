"""What the doctor asks about what everything stands on: database, broker, cache, storage, disks, clock and address."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, ngettext
from kombu.exceptions import OperationalError

from accounts.findings import Finding, ok, warning, wrong
from analysis.failures import NoBucketError
from imageanalysis import checks
from imageanalysis.disks import existing_part, folders

SCARCE_BYTES = 2 * 1024**3
EMPTY_BYTES = 200 * 1024**2
CLOCKS_DIFFER_SECONDS = 5


def database() -> Iterator[Finding]:
    connection.ensure_connection()
    number = ".".join(str(part) for part in connection.get_database_version())
    yield ok(gettext("%(database)s %(version)s answers.") % {"database": connection.display_name, "version": number})
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        sentence = ngettext(
            "%(count)d migration is not applied.", "%(count)d migrations are not applied.", len(plan)
        ) % {"count": len(plan)}
        yield wrong(sentence, gettext("Apply them: python manage.py migrate"))
    else:
        yield ok(gettext("All migrations are applied."))


def broker() -> Iterator[Finding]:
    """Whether the broker and the cache answer."""
    try:
        with current_app.connection_for_write() as opened:
            opened.ensure_connection(max_retries=0, timeout=2)
    except (OperationalError, OSError) as error:
        yield wrong(
            gettext("The broker does not answer: %(error)s") % {"error": error},
            gettext("Start it, or look at CELERY_BROKER_URL. Pictures wait until it is back; none is lost."),
        )
    else:
        yield ok(gettext("The broker answers."))
    cache.get("doctor")
    yield ok(gettext("The cache answers."))


def disks() -> Iterator[Finding]:
    """Room and permission in each folder that is written to."""
    for name, folder in folders().items():
        yield _of(name, folder)


def storage() -> Iterator[Finding]:
    """Where pictures are, and whether the bucket answers if it is one."""
    if not settings.IS_IN_BUCKET:
        yield ok(gettext("Pictures are kept in the folder %(folder)s.") % {"folder": settings.MEDIA_ROOT})
        return
    try:
        default_storage.exists("doctor")
    except OSError as error:
        yield wrong(gettext("Pictures cannot be stored or read: %(error)s") % {"error": error}, _repair_of(error))
    else:
        yield ok(gettext("The bucket answers."))


def _repair_of(error: OSError) -> str:
    if isinstance(error, NoBucketError):
        return gettext(
            "Write its right name into STORAGE_URL. If it was deleted, stop the workers before you make it anew, and "
            "start them once its files are restored from a backup: pictures wait until then."
        )
    return gettext(
        "Start the bucket's server, or look at STORAGE_URL, the keys and this machine's clock. Pictures wait "
        "until it is back; none is lost."
    )


def _of(name: str, folder: Path) -> Finding:
    facts = {"name": name, "folder": folder}
    there = existing_part(folder)
    if not os.access(there, os.W_OK | os.X_OK):
        return wrong(
            gettext("%(name)s (%(folder)s) cannot be written to.") % facts,
            gettext("Give the folder to the user who runs the application, or set %(name)s to another one.") % facts,
        )
    free_bytes = shutil.disk_usage(there).free
    sentence = gettext("%(name)s (%(folder)s) has %(free)s left.") % {**facts, "free": filesizeformat(free_bytes)}
    if free_bytes >= SCARCE_BYTES:
        return ok(sentence)
    repair = gettext("Make room on that disk, or set %(name)s to a folder on a larger one.") % facts
    return wrong(sentence, repair) if free_bytes < EMPTY_BYTES else warning(sentence, repair)


def clock() -> Iterator[Finding]:
    """This machine's clock against the database's; a statement where the database has a clock of its own."""
    if connection.vendor != "postgresql":
        yield ok(gettext("The database uses this machine's clock."))
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        seconds = abs((cursor.fetchone()[0] - datetime.now(UTC)).total_seconds())
    sentence = gettext("This machine's clock and the database's differ by %(seconds).1f seconds.") % {
        "seconds": seconds
    }
    if seconds > CLOCKS_DIFFER_SECONDS:
        yield warning(sentence, gettext("Keep both by NTP. The queue goes by the database's clock and stays right."))
    else:
        yield ok(sentence)


def public_address() -> Iterator[Finding]:
    """Weak settings, most of which are about the address; they are told in English, as the start command tells them."""
    weaknesses = list(checks.weaknesses())
    for _number, sentence in weaknesses:
        yield wrong(sentence, gettext("Change the setting, and start the application anew."))
    if checks.is_visited_in_the_clear():
        yield warning(
            gettext("People visit %(address)s without TLS: whoever shares the network can read along.")
            % {"address": settings.PUBLIC_URL},
            gettext("Put a proxy with TLS in front, and set PUBLIC_URL to its https address."),
        )
    elif not weaknesses:
        yield ok(gettext("People visit %(address)s.") % {"address": settings.PUBLIC_URL})
