import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("images", "0006_deleted"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("original", "sha256", models.CharField(max_length=64, null=True)),
        migrations.AddIndex("original", models.Index(fields=["sha256"], name="originals_by_sha256")),
        migrations.CreateModel(
            name="TakenUpload",
            fields=[
                (
                    "image",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="taken_upload",
                        serialize=False,
                        to="images.image",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("upload_id", models.UUIDField()),
            ],
            options={
                "db_table": "images_taken_uploads",
                "constraints": [
                    models.UniqueConstraint(fields=["user", "upload_id"], name="taken_uploads_once_a_person")
                ],
            },
        ),
    ]
