from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from mqadmin.core import hiding


def hide(apps: StateApps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Changes of options stood in the log as they were, with what may be a secret in them, for everybody to read."""
    rows = apps.get_model("core", "AuditEntry").objects.filter(action="consumer.update")
    for row in rows.iterator():
        options = row.detail.get("options")
        if not isinstance(options, dict):
            continue
        shown = {
            side: hiding.hidden(value) if isinstance(value, dict) else value
            for side, value in options.items()
        }
        if shown != options:
            row.detail["options"] = shown
            row.save(update_fields=["detail"])


class Migration(migrations.Migration):
    dependencies = [("consumers", "0001_initial"), ("core", "0001_initial")]

    operations = [migrations.RunPython(hide, migrations.RunPython.noop)]
