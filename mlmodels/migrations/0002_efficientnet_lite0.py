"""The model that works at once: EfficientNet-Lite0, whose weights come with a package."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

DESCRIPTION = (
    "EfficientNet-Lite0, trained on ImageNet-1k: small and quick. Names the one main thing on a photograph "
    "out of 1,000 classes of animals, plants, food and objects."
)


def add_model(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("mlmodels", "MLModel").objects.using(schema_editor.connection.alias).get_or_create(
        name="efficientnet", version="1.0.0", defaults={"description": DESCRIPTION}
    )


class Migration(migrations.Migration):
    dependencies = [("mlmodels", "0001_initial")]
    operations = [migrations.RunPython(add_model, migrations.RunPython.noop)]
