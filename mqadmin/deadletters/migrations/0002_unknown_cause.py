from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def call_it_unknown(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Letters of which nothing told a death were called failures of a handler, with one death."""
    rows = apps.get_model("deadletters", "DeadLetter").objects.filter(
        reason="error",
        deaths=[],
        error_type="",
        trace="",
        framework__in=("", "celery", "dramatiq", "faststream"),
    )
    rows.filter(source_queue="").exclude(framework="dramatiq").update(death_count=0)
    rows.update(reason="unknown")


class Migration(migrations.Migration):
    dependencies = [("deadletters", "0001_initial")]

    operations = [
        migrations.AlterField(
            "deadletter",
            "reason",
            models.CharField(
                choices=[
                    ("rejected", "rejected"),
                    ("expired", "expired"),
                    ("maxlen", "queue too long"),
                    ("delivery_limit", "delivered too often"),
                    ("error", "handler failed"),
                    ("unknown", "cause not known"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunPython(call_it_unknown, migrations.RunPython.noop),
    ]
