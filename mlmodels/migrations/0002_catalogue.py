"""The models of the catalogue: one works at once, the others are offered as soon as their weights are here."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from mlmodels.descriptions import DESCRIPTIONS


def add_models(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    models = apps.get_model("mlmodels", "MLModel").objects.using(schema_editor.connection.alias)
    for (name, version), description in DESCRIPTIONS.items():
        models.get_or_create(name=name, version=version, defaults={"description": description})


class Migration(migrations.Migration):
    dependencies = [("mlmodels", "0001_initial")]
    operations = [migrations.RunPython(add_models, migrations.RunPython.noop)]
