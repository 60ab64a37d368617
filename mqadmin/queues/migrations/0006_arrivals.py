import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0005_owners_and_standings")]

    operations = [
        migrations.CreateModel(
            name="Arrivals",
            fields=[
                (
                    "broker",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="arrivals",
                        serialize=False,
                        to="queues.broker",
                    ),
                ),
                ("at", models.FloatField()),
                ("data", models.BinaryField()),
            ],
        ),
    ]
