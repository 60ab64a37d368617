from django.db import migrations, models
from django.db.models import F


def as_they_were(apps, schema_editor):  # noqa: ARG001
    """The newer one decided."""
    apps.get_model("queues", "Standing").objects.update(rank=F("id"))


class Migration(migrations.Migration):
    dependencies = [("queues", "0011_queue_ram")]

    operations = [
        migrations.AlterModelOptions(name="standing", options={"ordering": ["-rank", "-id"]}),
        migrations.AddField(model_name="standing", name="rank", field=models.IntegerField(default=0)),
        migrations.RunPython(as_they_were, migrations.RunPython.noop),
    ]
