from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0007_worker_lanes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="analysisqueue",
            index=models.Index(fields=["status", "priority", "model_name", "position", "id"], name="queue_by_model"),
        ),
    ]
