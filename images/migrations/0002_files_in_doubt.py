from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("images", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="FileInDoubt",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=500, unique=True)),
                ("noted_at", models.DateTimeField(db_default=Now())),
                ("is_doomed", models.BooleanField(default=False)),
            ],
            options={"db_table": "images_files_in_doubt"},
        ),
    ]
