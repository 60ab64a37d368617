"""Keys and minutes outlive their consumer, as records do: their foreign keys are no constraints any more.

Nothing is copied. SQLite has no statement for it, but lets a constraint be taken out of a table's definition, which is
all that it is (sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes"). Where it is built so
that nobody may write there, as macOS's own is, Django copies the table.
"""

from typing import Any

from django.apps.registry import Apps
from django.db import OperationalError, migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models.deletion import DO_NOTHING

_LEFT = (("HandledKey", "consumer", "Consumer"), ("ConsumerMinute", "process", "ConsumerProcess"))


class Unchecked(migrations.AlterField):
    """A foreign key that is no constraint from then on."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor == "sqlite":
            model = from_state.apps.get_model(app_label, self.model_name)
            if _taken_out(schema_editor, model, model._meta.get_field(self.name)):
                return
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def _taken_out(editor: BaseDatabaseSchemaEditor, model: type[models.Model], field: Any) -> bool:
    """Take the constraint of a column out of the definition of its table; return whether it is gone."""
    table, quoted = model._meta.db_table, editor.quote_name
    column = f"{quoted(field.column)} {field.db_type(editor.connection)} NOT NULL"
    target = field.remote_field.model._meta
    check = (
        f" REFERENCES {quoted(target.db_table)} ({quoted(target.pk.column)}) DEFERRABLE INITIALLY DEFERRED"
    )
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        (sql,) = cursor.fetchone()
        if sql.count(column + check) != 1:
            return False
        cursor.execute("PRAGMA schema_version")
        (version,) = cursor.fetchone()
        cursor.execute("PRAGMA writable_schema = ON")
        try:
            cursor.execute(
                "UPDATE sqlite_master SET sql = %s WHERE type = 'table' AND name = %s",
                [sql.replace(column + check, column), table],
            )
            # So that all who have the file open read the definition anew; the next line, that we do.
            cursor.execute(f"PRAGMA schema_version = {version + 1}")
        except OperationalError:
            return False
        finally:
            cursor.execute("PRAGMA writable_schema = RESET")
        cursor.execute(f"PRAGMA foreign_key_list({quoted(table)})")
        return field.column not in {row[3] for row in cursor.fetchall()}


def forget(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Delete what deleted consumers left: no constraint would hold with it."""
    for name, field, of in _LEFT:
        there = apps.get_model("consumers", of).objects.values("pk")
        apps.get_model("consumers", name).objects.exclude(**{f"{field}__in": there}).delete()


def _foreign_key(to: str, **options: Any) -> Any:
    return models.ForeignKey(db_constraint=False, db_index=False, on_delete=DO_NOTHING, to=to, **options)


class Migration(migrations.Migration):
    dependencies = [("consumers", "0006_records_trace")]

    operations = [
        Unchecked("handledkey", "consumer", _foreign_key("consumers.consumer", related_name="handled_keys")),
        Unchecked("consumerminute", "consumer", _foreign_key("consumers.consumer", related_name="minutes")),
        Unchecked("consumerminute", "process", _foreign_key("consumers.consumerprocess")),
        migrations.RunPython(migrations.RunPython.noop, forget),
    ]
