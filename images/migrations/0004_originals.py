from typing import Any

import django.db.models.deletion
from django.core.files.storage import default_storage
from django.db import migrations, models


def measure(apps: Any, _schema_editor: Any) -> None:
    """What was stored before counts, too; whether it tells a place is known of new uploads only."""
    images, originals = apps.get_model("images", "Image"), apps.get_model("images", "Original")
    for image in images.objects.only("file_path", "thumbnail_path").iterator():
        stored_bytes = sum(size_of(name) for name in (image.file_path, image.thumbnail_path) if name)
        originals.objects.create(image_id=image.pk, stored_bytes=stored_bytes)


def size_of(name: str) -> int:
    try:
        return default_storage.size(name)
    except OSError:
        return 0


class Migration(migrations.Migration):
    dependencies = [("images", "0003_data_exports")]

    operations = [
        migrations.CreateModel(
            name="Original",
            fields=[
                (
                    "image",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="original",
                        serialize=False,
                        to="images.image",
                    ),
                ),
                ("stored_bytes", models.BigIntegerField()),
                ("has_location", models.BooleanField(default=False)),
            ],
            options={"db_table": "images_originals"},
        ),
        migrations.RunPython(measure, migrations.RunPython.noop),
    ]
