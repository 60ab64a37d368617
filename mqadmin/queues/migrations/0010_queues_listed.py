from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("queues", "0009_broker_changes"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="queue",
            name="queues_queu_broker__64ed57_idx",
        ),
        migrations.RemoveIndex(
            model_name="queue",
            name="queues_queu_broker__b9b509_idx",
        ),
        migrations.AddIndex(
            model_name="queue",
            index=models.Index(
                fields=[
                    "broker",
                    "gone_at",
                    "vhost",
                    "type",
                    "health",
                    "is_inbox",
                    "consumers",
                    "name",
                    "changed_at",
                    "health_rank",
                    "ready",
                    "unacked",
                    "total",
                    "growth",
                    "clears_in",
                    "oldest_at",
                    "publish_rate",
                    "deliver_rate",
                    "ack_rate",
                    "redeliver_rate",
                    "memory",
                    "message_bytes",
                ],
                name="queues_listed",
            ),
        ),
        migrations.AddIndex(
            model_name="queue",
            index=models.Index(
                fields=["broker", "gone_at", "name", "vhost", "type", "health", "is_inbox", "consumers"],
                name="queues_named",
            ),
        ),
    ]
