from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("queues", "0008_saved_queue_view")]

    operations = [
        migrations.AddField("broker", "changes", models.BigIntegerField(default=0)),
        migrations.AddField("queue", "message_bytes", models.BigIntegerField(null=True)),
    ]
