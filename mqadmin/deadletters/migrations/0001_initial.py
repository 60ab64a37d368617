import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import mqadmin.core.fields

_LIKE = "deadletters_deadletter_message_id_cc26b9b0_like"


def without_like(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Leave out the second index that PostgreSQL gets for a text column: nothing asks for message ids with LIKE.

    Indexes are made when the migration ends; until then they are in `deferred_sql`.
    """
    editor.deferred_sql = [statement for statement in editor.deferred_sql if _LIKE not in str(statement)]


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("consumers", "0001_initial"),
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CaptureWindow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("broker", models.CharField(max_length=60)),
                ("vhost", models.CharField(max_length=255)),
                ("queue", models.CharField(max_length=255)),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
            ],
        ),
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
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("broker", models.CharField(max_length=60)),
                ("vhost", models.CharField(max_length=255)),
                ("dead_letter_queue", models.CharField(max_length=255)),
                ("source_queue", models.CharField(max_length=255)),
                ("reason", models.CharField(max_length=20)),
                ("group", models.CharField(max_length=32)),
                ("status", models.CharField(max_length=12)),
                ("letters", models.BigIntegerField()),
                ("back", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="WordsMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("letter", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Breaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_on", models.BooleanField(default=False)),
                ("letters", models.PositiveIntegerField(default=20)),
                ("seconds", models.FloatField(default=60)),
                ("rest_seconds", models.FloatField(default=300)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("closed", "watching"),
                            ("open", "the consumer is paused"),
                            ("trying", "trying one letter"),
                        ],
                        default="closed",
                        max_length=10,
                    ),
                ),
                ("state_at", models.DateTimeField(null=True)),
                ("group", models.CharField(blank=True, max_length=32)),
                ("words", models.CharField(blank=True, max_length=500)),
                ("changed_by", models.CharField(max_length=150)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "consumer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="breaker",
                        to="consumers.consumer",
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to="core.operation"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CauseNote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("broker", models.CharField(max_length=60)),
                ("group", models.CharField(max_length=32)),
                ("text", models.CharField(blank=True, max_length=500)),
                ("owner", models.CharField(blank=True, max_length=150)),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("broker", "group"), name="one_note_per_cause")
                ],
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("broker", models.CharField(max_length=60)),
                ("vhost", models.CharField(max_length=255)),
                ("dead_letter_queue", models.CharField(max_length=255)),
                ("source_queue", models.CharField(blank=True, max_length=255)),
                ("source_exchange", models.CharField(blank=True, max_length=255)),
                ("routing_keys", mqadmin.core.fields.ExactJSONField(default=list)),
                ("return_queue", models.CharField(blank=True, max_length=255)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("rejected", "rejected"),
                            ("expired", "expired"),
                            ("maxlen", "queue too long"),
                            ("delivery_limit", "delivered too often"),
                            ("error", "handler failed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("death_count", models.PositiveIntegerField(default=1)),
                ("deaths", mqadmin.core.fields.ExactJSONField(default=list)),
                ("first_death_at", models.DateTimeField(null=True)),
                ("captured_at", models.DateTimeField()),
                ("message_id", models.CharField(blank=True, db_index=True, max_length=255)),
                ("error_type", models.CharField(blank=True, max_length=200)),
                ("error", models.TextField(blank=True)),
                ("trace", models.TextField(blank=True)),
                ("framework", models.CharField(blank=True, max_length=30)),
                ("consumer", models.CharField(blank=True, max_length=60)),
                ("group", models.CharField(blank=True, max_length=32)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("parked", "parked"),
                            ("requeueing", "requeueing"),
                            ("requeued", "requeued"),
                            ("discarded", "discarded"),
                        ],
                        default="parked",
                        max_length=12,
                    ),
                ),
                ("status_reason", models.CharField(blank=True, max_length=500)),
                ("size", models.PositiveIntegerField(default=0)),
                ("properties", mqadmin.core.fields.ExactJSONField(default=dict)),
                ("headers", mqadmin.core.fields.ExactJSONField(default=dict)),
                ("body", models.BinaryField()),
                ("search_text", models.TextField(blank=True)),
                ("note", models.TextField(blank=True)),
                ("original", mqadmin.core.fields.ExactJSONField(null=True)),
                ("edits", models.PositiveIntegerField(default=0)),
                ("requeue_count", models.PositiveIntegerField(default=0)),
                ("fingerprint", models.CharField(max_length=64)),
                ("came_back_as", models.CharField(blank=True, max_length=36)),
                ("requeue_id", models.CharField(blank=True, max_length=36)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "maybe_duplicate_of",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="deadletters.deadletter",
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="core.operation",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="LetterEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=20)),
                ("by", models.CharField(blank=True, max_length=150)),
                ("text", models.CharField(blank=True, max_length=500)),
                (
                    "letter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="deadletters.deadletter",
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to="core.operation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="RetryRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("broker", models.CharField(max_length=60)),
                ("vhost", models.CharField(blank=True, max_length=255)),
                ("source", models.CharField(blank=True, max_length=255)),
                ("group", models.CharField(blank=True, max_length=32)),
                ("is_on", models.BooleanField(default=False)),
                ("at_most", models.PositiveSmallIntegerField(default=3)),
                ("first_delay", models.FloatField(default=60)),
                ("factor", models.FloatField(default=5)),
                ("max_delay", models.FloatField(default=86400)),
                ("seen", models.BigIntegerField(default=0)),
                ("changed_by", models.CharField(max_length=150)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("broker", "vhost", "source", "group"), name="one_rule_each"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlannedRetry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("due_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("sent", "requeued"), ("left", "left for a person")],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "letter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="retry",
                        to="deadletters.deadletter",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="retries",
                        to="deadletters.retryrule",
                    ),
                ),
            ],
            options={"db_table": "deadletters_retry"},
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("query", models.CharField(max_length=2000)),
                ("owner", models.CharField(blank=True, max_length=150)),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [models.UniqueConstraint(fields=("owner", "name"), name="one_view_of_a_name")],
            },
        ),
        migrations.CreateModel(
            name="TrackedQueue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("broker", models.CharField(max_length=60)),
                ("vhost", models.CharField(max_length=255)),
                ("queue", models.CharField(max_length=255)),
                ("tracked_by", models.CharField(max_length=150)),
                ("tracked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "consumer",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, to="consumers.consumer"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["broker", "status", "-id"], name="deadletters_broker_fb1335_idx"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                fields=["broker", "status", "source_queue", "-id"], name="deadletters_broker_5df085_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                fields=["broker", "status", "group", "-id"], name="deadletters_broker_a04ab3_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(fields=["broker", "captured_at"], name="deadletters_broker_ce4251_idx"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("operation__isnull", False)),
                fields=["operation", "status", "id"],
                name="letter_operation",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("requeue_id", ""), _negated=True),
                fields=["requeue_id"],
                name="letter_requeue_id",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("came_back_as", ""), _negated=True),
                fields=["broker", "group"],
                name="letter_came_back",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("maybe_duplicate_of__isnull", False)),
                fields=["maybe_duplicate_of"],
                name="letter_duplicate",
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(condition=models.Q(("edits__gt", 0)), fields=["id"], name="letter_edited"),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(
                condition=models.Q(("decided_at__isnull", False)),
                fields=["broker", "status", "decided_at"],
                name="letter_decided",
            ),
        ),
        migrations.AddIndex(
            model_name="plannedretry",
            index=models.Index(fields=["rule", "state", "due_at"], name="deadletters_rule_id_0f42b8_idx"),
        ),
        migrations.AddConstraint(
            model_name="trackedqueue",
            constraint=models.UniqueConstraint(fields=("broker", "vhost", "queue"), name="tracked_once"),
        ),
        migrations.RunPython(without_like, migrations.RunPython.noop),
    ]
