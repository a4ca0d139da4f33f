from django.db import migrations, models

import accounts.mail_domains


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sessions_and_preferences"),
    ]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="email",
            field=models.EmailField(
                error_messages={"unique": "An account with this e-mail exists already."},
                max_length=254,
                unique=True,
                validators=[accounts.mail_domains.validate_mail_domain],
                verbose_name="e-mail",
            ),
        ),
    ]
