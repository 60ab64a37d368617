from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_LIKE = "deadletters_deadletter_message_id_cc26b9b0_like"


def drop_like(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Drop the second index that PostgreSQL gets for a text column: nothing asks for message ids with LIKE."""
    if editor.connection.vendor == "postgresql":
        editor.execute(f"DROP INDEX IF EXISTS {_LIKE}")


def make_like(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(
            f"CREATE INDEX IF NOT EXISTS {_LIKE} ON deadletters_deadletter (message_id varchar_pattern_ops)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_operations_pace"),
        ("deadletters", "0003_views_owners_tally"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("parked", "parked"),
                            ("requeueing", "requeueing"),
                            ("requeued", "requeued"),
                            ("discarded", "discarded"),
                        ],
                        max_length=12,
                        unique=True,
                    ),
                ),
                ("days", models.FloatField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveIndex(model_name="tally", name="deadletters_broker_789b80_idx"),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("decided_at__isnull", False)),
                fields=["broker", "status", "decided_at"],
                name="letter_decided",
            ),
        ),
        migrations.RunPython(drop_like, make_like),
    ]
