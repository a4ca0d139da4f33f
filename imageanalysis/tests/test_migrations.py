"""The migrations: one initial one for each app, nothing missing."""

from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from imageanalysis.tests.test_schema import OUR_APPS


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_each_app_has_one_initial_migration_and_models_fill_their_table_in_a_second() -> None:
    loader = MigrationLoader(None)
    ours = {key: migration for key, migration in loader.disk_migrations.items() if key[0] in OUR_APPS}

    assert {key for key, migration in ours.items() if migration.initial} == {(app, "0001_initial") for app in OUR_APPS}
    assert [type(step).__name__ for step in ours["mlmodels", "0002_catalogue"].operations] == ["RunPython"]
