"""The migrations: one initial one for each app, nothing missing, one machine at a time."""

import subprocess
import sys
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from imageanalysis.management.commands import migrate
from imageanalysis.tests import installations
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT, PostgreSQL
from imageanalysis.tests.test_schema import OUR_APPS


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_each_app_has_one_initial_migration_and_models_fill_their_table_in_a_second() -> None:
    loader = MigrationLoader(None)
    ours = {key: migration for key, migration in loader.disk_migrations.items() if key[0] in OUR_APPS}

    assert {key for key, migration in ours.items() if migration.initial} == {(app, "0001_initial") for app in OUR_APPS}
    assert [type(step).__name__ for step in ours["mlmodels", "0002_catalogue"].operations] == ["RunPython"]


def test_who_comes_second_waits_until_the_first_has_migrated(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """Two machines that start together: each would make the same tables."""
    address = postgresql.new_database()
    environment = installations.environment(tmp_path, DATABASE_URL=address, CELERY_BROKER_URL="redis://127.0.0.1:1/0")
    command = [sys.executable, "manage.py", "migrate", "contenttypes"]
    log = tmp_path / "log"
    with psycopg.connect(address, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", [migrate.MIGRATING])
        with (
            log.open("wb") as output,
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output) as second,
        ):
            until(lambda: "waiting" in log.read_text() or second.poll() is not None, log.read_text)
            tables = first.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
            assert (second.poll(), tables) == (None, (0,)), log.read_text()

            first.execute("SELECT pg_advisory_unlock_all()")

            assert second.wait(60) == 0, log.read_text()
