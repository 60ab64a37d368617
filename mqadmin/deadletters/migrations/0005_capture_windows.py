from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deadletters", "0004_retention_and_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="CaptureWindow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("broker", models.CharField(max_length=60)),
                ("vhost", models.CharField(max_length=255)),
                ("queue", models.CharField(max_length=255)),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name="deadletter",
            name="letter_ack_pending",
        ),
        migrations.RemoveField(
            model_name="deadletter",
            name="ack_pending",
        ),
    ]
