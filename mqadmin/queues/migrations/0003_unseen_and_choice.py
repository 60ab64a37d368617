from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0002_broker_traits")]

    operations = [
        migrations.AddField("broker", "unseen", models.JSONField(default=dict)),
        migrations.AddField("queue", "dead_letter_choice", models.CharField(blank=True, max_length=10)),
    ]
