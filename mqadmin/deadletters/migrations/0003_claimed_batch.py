from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.deletion import CASCADE, SET_NULL

_UNCHECKED = (("DeadLetter", "operation"), ("LetterEvent", "letter"), ("LetterEvent", "operation"))


def drop_checks(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """PostgreSQL looks the other row up for each row written. SQLite does so in passing, and could only drop the
    constraint by copying the table."""
    if editor.connection.vendor != "postgresql":
        return
    for model_name, field in _UNCHECKED:
        model = apps.get_model("deadletters", model_name)
        column = model._meta.get_field(field).column
        for name in editor._constraint_names(model, [column], foreign_key=True):
            editor.execute(editor._delete_fk_sql(model, name))


def add_checks(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """For what is written from now on: to look at all that is there would take long."""
    if editor.connection.vendor != "postgresql":
        return
    for model_name, name in _UNCHECKED:
        model = apps.get_model("deadletters", model_name)
        field = model._meta.get_field(name)
        made = editor._create_fk_sql(model, field, "_fk_%(to_table)s_%(to_column)s")
        editor.execute(f"{made} NOT VALID")


def write_down(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Give the letters' own rows their claims back, and take the triggers that look for batches away."""
    for name in ("letter_in_flight_update", "letter_in_flight_delete"):
        table = " ON deadletters_deadletter" if editor.connection.vendor == "postgresql" else ""
        editor.execute(f"DROP TRIGGER IF EXISTS {name}{table}")
    letters = apps.get_model("deadletters", "DeadLetter").objects.filter(status="parked")
    for held in apps.get_model("deadletters", "ClaimedBatch").objects.all():
        for pk in held.ids:
            letters.filter(pk=pk).update(
                status="requeueing",
                operation_id=held.operation_id,
                claimed_at=held.at,
                requeue_id=f"{held.mark}{pk}",
                requeue_count=models.F("requeue_count") + 1,
            )


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_wall_and_renewed_leases"),
        ("deadletters", "0002_unknown_cause"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClaimedBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("ids", models.JSONField()),
                ("mark", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("operation", models.ForeignKey(on_delete=CASCADE, to="core.operation")),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_checks, add_checks)],
            state_operations=[
                migrations.AlterField(
                    "deadletter",
                    "operation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=SET_NULL,
                        to="core.operation",
                    ),
                ),
                migrations.AlterField(
                    "letterevent",
                    "letter",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=CASCADE,
                        related_name="events",
                        to="deadletters.deadletter",
                    ),
                ),
                migrations.AlterField(
                    "letterevent",
                    "operation",
                    models.ForeignKey(
                        db_constraint=False, null=True, on_delete=SET_NULL, to="core.operation"
                    ),
                ),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, write_down),
    ]
