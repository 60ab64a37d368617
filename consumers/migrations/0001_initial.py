import django.db.models.deletion
from django.db import migrations, models

import mqadmin.core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Consumer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=60, unique=True)),
                ("broker", models.CharField(max_length=60)),
                ("vhost", models.CharField(default="/", max_length=255)),
                ("queue", models.CharField(max_length=255)),
                ("handler", models.CharField(max_length=100)),
                ("options", models.JSONField(blank=True, default=dict)),
                (
                    "desired",
                    models.CharField(
                        choices=[("running", "running"), ("paused", "paused"), ("stopped", "stopped")],
                        default="stopped",
                        max_length=10,
                    ),
                ),
                ("replicas", models.PositiveSmallIntegerField(default=1)),
                ("concurrency", models.PositiveSmallIntegerField(default=1)),
                ("prefetch", models.PositiveIntegerField(default=10)),
                (
                    "mode",
                    models.CharField(
                        choices=[("push", "push (basic.consume)"), ("pull", "pull (basic.get)")],
                        default="push",
                        max_length=10,
                    ),
                ),
                ("pull_interval", models.FloatField(default=1.0)),
                (
                    "ack",
                    models.CharField(
                        choices=[
                            ("manual", "manual: acked after it was handled"),
                            ("auto", "auto: gone from the queue when delivered"),
                        ],
                        default="manual",
                        max_length=10,
                    ),
                ),
                (
                    "order",
                    models.CharField(
                        choices=[("fifo", "as they come"), ("priority", "highest priority first")],
                        default="fifo",
                        max_length=10,
                    ),
                ),
                ("batch_size", models.PositiveIntegerField(default=1)),
                ("batch_seconds", models.FloatField(default=1.0)),
                ("retry_attempts", models.PositiveSmallIntegerField(default=0)),
                ("retry_first_delay", models.FloatField(default=1.0)),
                ("retry_factor", models.FloatField(default=2.0)),
                ("retry_max_delay", models.FloatField(default=300.0)),
                ("retry_jitter", models.FloatField(default=0.1)),
                ("connection_retries", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("connection_delay", models.FloatField(default=5.0)),
                ("connect_attempts", models.PositiveIntegerField(default=0)),
                (
                    "dedupe_key",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("message_id", "message id"),
                            ("header", "a header"),
                            ("json", "a value in the JSON body"),
                            ("body", "the whole body"),
                        ],
                        max_length=10,
                    ),
                ),
                ("dedupe_path", models.CharField(blank=True, max_length=200)),
                ("dedupe_seconds", models.FloatField(default=86400)),
                ("timeout_seconds", models.FloatField(default=0)),
                ("deaths_limit", models.PositiveSmallIntegerField(default=3)),
                ("rate_limit", models.FloatField(default=0)),
                (
                    "on_failure",
                    models.CharField(
                        choices=[
                            (
                                "republish",
                                "a confirmed copy to the dead-letter target, with the error in its headers",
                            ),
                            ("reject", "reject: the broker dead-letters it, without the error"),
                        ],
                        default="republish",
                        max_length=10,
                    ),
                ),
                (
                    "records",
                    models.CharField(
                        choices=[
                            ("durable", "durable: committed before the ack"),
                            ("best_effort", "best effort: acked first, written soon after"),
                            ("failures", "failures only"),
                            ("off", "off"),
                        ],
                        default="durable",
                        max_length=12,
                    ),
                ),
                ("record_one_in", models.PositiveIntegerField(default=1)),
                (
                    "body_capture",
                    models.CharField(
                        choices=[("failures", "of failures"), ("all", "of all"), ("none", "of none")],
                        default="failures",
                        max_length=10,
                    ),
                ),
                ("body_cap", models.PositiveIntegerField(default=262144)),
                ("consumer_priority", models.IntegerField(default=0)),
                ("exclusive", models.BooleanField(default=False)),
                ("stop_seconds", models.FloatField(default=30.0)),
                ("single", models.BooleanField(default=False)),
                ("placement", models.CharField(blank=True, max_length=200)),
                ("schedule", models.CharField(blank=True, max_length=200)),
                ("memory_limit_mb", models.PositiveIntegerField(default=0)),
                ("autoscale_min", models.PositiveSmallIntegerField(default=1)),
                ("autoscale_max", models.PositiveSmallIntegerField(default=0)),
                ("autoscale_seconds", models.FloatField(default=300.0)),
                ("autoscaled", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("is_collector", models.BooleanField(default=False)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("nudge", models.PositiveIntegerField(default=0)),
                ("rolling", models.BooleanField(default=False)),
                ("redelivers", models.PositiveIntegerField(default=0)),
                ("desired_by", models.CharField(blank=True, max_length=150)),
                ("desired_at", models.DateTimeField(null=True)),
                ("changed_by", models.CharField(blank=True, max_length=150)),
                ("changed_at", models.DateTimeField(auto_now=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="SupervisorHost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255, unique=True)),
                ("pid", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField()),
                ("machine", models.CharField(blank=True, max_length=255)),
                ("labels", models.JSONField(blank=True, default=dict)),
                ("capacity", models.PositiveIntegerField(default=0)),
                ("version", models.CharField(blank=True, max_length=40)),
                ("drained", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="ConsumerProcess",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("host", models.CharField(max_length=255)),
                ("supervisor", models.CharField(blank=True, max_length=255)),
                ("replica", models.PositiveSmallIntegerField(default=0)),
                ("pid", models.PositiveIntegerField(null=True)),
                ("pid_created", models.FloatField(null=True)),
                ("revision", models.PositiveIntegerField(default=0)),
                ("nudge", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("starting", "starting"),
                            ("connecting", "connecting"),
                            ("running", "running"),
                            ("paused", "paused"),
                            ("draining", "draining"),
                            ("waiting", "waiting"),
                            ("stopped", "stopped"),
                            ("backoff", "backoff"),
                            ("failed", "failed"),
                            ("lost", "lost"),
                        ],
                        default="starting",
                        max_length=12,
                    ),
                ),
                ("state_reason", models.CharField(blank=True, max_length=500)),
                ("state_since", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("connected_at", models.DateTimeField(null=True)),
                ("blocked_reason", models.CharField(blank=True, max_length=200)),
                ("subscribed_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("next_start_at", models.DateTimeField(null=True)),
                ("stop_requested_at", models.DateTimeField(null=True)),
                ("kill_requested_at", models.DateTimeField(null=True)),
                ("exit_reason", models.CharField(blank=True, max_length=500)),
                ("restarts", models.PositiveIntegerField(default=0)),
                ("crashes", models.PositiveSmallIntegerField(default=0)),
                ("early_deaths", models.PositiveSmallIntegerField(default=0)),
                ("processed", models.PositiveBigIntegerField(default=0)),
                ("failed", models.PositiveBigIntegerField(default=0)),
                ("retried", models.PositiveBigIntegerField(default=0)),
                ("in_flight", models.PositiveIntegerField(default=0)),
                ("connections", models.PositiveIntegerField(default=0)),
                ("connection_errors", models.PositiveIntegerField(default=0)),
                ("channel_errors", models.PositiveIntegerField(default=0)),
                ("rate", models.FloatField(default=0)),
                ("rss_bytes", models.BigIntegerField(null=True)),
                ("cpu_percent", models.FloatField(null=True)),
                ("threads", models.PositiveIntegerField(null=True)),
                ("open_files", models.PositiveIntegerField(null=True)),
                ("usage", models.JSONField(blank=True, default=list)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "consumer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="processes",
                        to="consumers.consumer",
                    ),
                ),
            ],
            options={
                "ordering": ["replica", "id"],
            },
        ),
        migrations.CreateModel(
            name="ConsumerMinute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.PositiveIntegerField()),
                ("handled", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("retried", models.PositiveIntegerField(default=0)),
                ("durations", models.JSONField(default=list)),
                (
                    "consumer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="minutes",
                        to="consumers.consumer",
                    ),
                ),
                (
                    "process",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="consumers.consumerprocess",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ConsumerEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=30)),
                ("text", models.CharField(max_length=500)),
                ("detail", models.TextField(blank=True)),
                (
                    "consumer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="consumers.consumer",
                    ),
                ),
                (
                    "process",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="consumers.consumerprocess",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="HandledKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=64)),
                ("process_id", models.BigIntegerField()),
                ("done", models.BooleanField(default=False)),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "consumer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handled_keys",
                        to="consumers.consumer",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Record",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("queue", models.CharField(max_length=255)),
                ("exchange", models.CharField(blank=True, max_length=255)),
                ("routing_key", models.CharField(blank=True, max_length=255)),
                ("message_id", models.CharField(blank=True, max_length=255)),
                ("redelivered", models.BooleanField(default=False)),
                ("attempt", models.PositiveSmallIntegerField(default=1)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("acked", "acked"),
                            ("retried", "retried"),
                            ("dead_lettered", "dead-lettered"),
                            ("duplicate", "duplicate"),
                            ("released", "released"),
                            ("timed_out", "timed out"),
                        ],
                        max_length=14,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("error_type", models.CharField(blank=True, max_length=200)),
                ("error", models.TextField(blank=True)),
                ("traceback", models.TextField(blank=True)),
                ("started_at", models.DateTimeField()),
                ("duration_ms", models.FloatField(default=0)),
                ("waited_ms", models.FloatField(null=True)),
                ("size", models.PositiveIntegerField(default=0)),
                ("log", models.JSONField(null=True)),
                ("properties", mqadmin.core.fields.ExactJSONField(null=True)),
                ("headers", mqadmin.core.fields.ExactJSONField(null=True)),
                ("body", models.BinaryField(null=True)),
                ("body_truncated", models.BooleanField(default=False)),
                (
                    "consumer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handled",
                        to="consumers.consumer",
                    ),
                ),
                (
                    "process",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="consumers.consumerprocess",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ScalePoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("replicas", models.PositiveSmallIntegerField()),
                ("backlog", models.PositiveBigIntegerField()),
                ("arriving", models.FloatField(default=0)),
                ("handling", models.FloatField(default=0)),
                (
                    "consumer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scale_points",
                        to="consumers.consumer",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Suspect",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=64)),
                ("process_id", models.BigIntegerField()),
                ("deaths", models.PositiveSmallIntegerField(default=0)),
                ("noted_at", models.DateTimeField()),
                (
                    "consumer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suspects",
                        to="consumers.consumer",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="consumerprocess",
            index=models.Index(fields=["consumer", "ended_at"], name="consumers_c_consume_c78e9b_idx"),
        ),
        migrations.AddConstraint(
            model_name="consumerprocess",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True), models.Q(("supervisor", ""), _negated=True)),
                fields=("consumer", "replica"),
                name="one_process_per_replica",
            ),
        ),
        migrations.AddIndex(
            model_name="consumerminute",
            index=models.Index(fields=["consumer", "minute"], name="consumers_c_consume_efd0fd_idx"),
        ),
        migrations.AddConstraint(
            model_name="consumerminute",
            constraint=models.UniqueConstraint(fields=("process", "minute"), name="one_row_per_minute"),
        ),
        migrations.AddIndex(
            model_name="consumerevent",
            index=models.Index(fields=["consumer", "-id"], name="consumers_c_consume_91d7c2_idx"),
        ),
        migrations.AddConstraint(
            model_name="handledkey",
            constraint=models.UniqueConstraint(fields=("consumer", "key"), name="one_claim_per_key"),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(fields=["consumer", "-id"], name="consumers_r_consume_7b8fb6_idx"),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(fields=["consumer", "outcome", "-id"], name="consumers_r_consume_f9e37a_idx"),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(fields=["message_id"], name="consumers_r_message_f927ea_idx"),
        ),
        migrations.AddIndex(
            model_name="scalepoint",
            index=models.Index(fields=["consumer", "at"], name="consumers_s_consume_1da0d4_idx"),
        ),
        migrations.AddConstraint(
            model_name="suspect",
            constraint=models.UniqueConstraint(fields=("consumer", "key"), name="one_note_per_message"),
        ),
    ]
