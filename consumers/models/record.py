"""The record of every message handled, and exact counts by the minute."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consumers.models.definition import Consumer
from consumers.models.process import ConsumerProcess
from mqadmin.core import labels
from mqadmin.core.fields import ExactJSONField
from mqadmin.core.rights.rows import Through, Within


class Record(models.Model):
    """One handled message. Written in groups, before the ack of the messages it speaks of.

    `properties`, `headers`: the lossless JSON of `mqadmin.rabbit.message`. `log`: [[offset_ms, level, text], ...].
    """

    class Outcome(models.TextChoices):
        ACKED = "acked", _("acked")
        RETRIED = "retried", _("retried")
        DEAD_LETTERED = "dead_lettered", _("dead-lettered")
        DUPLICATE = "duplicate", _("duplicate")
        RELEASED = "released", _("released")
        TIMED_OUT = "timed_out", _("timed out")

    # Every message pays for what the database checks and keeps: no constraints, no index beside those below. Those
    # of a deleted consumer are left to retention; whoever reads records joins their consumer, so none is seen.
    consumer = models.ForeignKey(
        Consumer, on_delete=models.DO_NOTHING, related_name="handled", db_index=False, db_constraint=False
    )
    process = models.ForeignKey(
        ConsumerProcess, on_delete=models.DO_NOTHING, null=True, db_index=False, db_constraint=False
    )
    queue = models.CharField(max_length=255)
    exchange = models.CharField(max_length=255, blank=True)
    routing_key = models.CharField(max_length=255, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    redelivered = models.BooleanField(default=False)
    attempt = models.PositiveSmallIntegerField(default=1)
    outcome = models.CharField(max_length=14, choices=Outcome.choices)
    detail = models.CharField(max_length=500, blank=True)  # where a failed one went; what a warning said
    error_type = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    started_at = models.DateTimeField()
    duration_ms = models.FloatField(default=0)
    waited_ms = models.FloatField(null=True)  # from its timestamp to its handling, where it has one
    size = models.PositiveIntegerField(default=0)
    log = models.JSONField(null=True)
    properties = ExactJSONField(null=True)
    headers = ExactJSONField(null=True)
    body = models.BinaryField(null=True)
    body_truncated = models.BooleanField(default=False)
    # Of the trace that it was handled in, or published in; None: nobody said. Not indexed, as with the rest.
    trace_id = models.CharField(max_length=32, null=True)
    # Why RabbitMQ was never told of it, and delivers the message again; None: it was, as far as is known.
    ack_lost = models.CharField(max_length=300, null=True)

    objects = Within["Record"](Through("consumer_id", "consumers_consumer"))

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["consumer", "-id"]),
            models.Index(fields=["consumer", "outcome", "-id"]),
            models.Index(
                fields=["consumer", "-id"], condition=Q(ack_lost__isnull=False), name="records_unacked"
            ),
            models.Index(fields=["message_id"]),  # of its own: `db_index` makes two of it on PostgreSQL
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.message_id} {self.outcome}"

    def get_outcome_display(self) -> str:  # type: ignore[no-redef]
        return labels.label(Record.Outcome, self.outcome)

    @property
    def seconds(self) -> float:
        """How long it was handled."""
        return self.duration_ms / 1000

    @property
    def requeueable(self) -> bool:
        """Whether the whole message is stored, so that it can be published again."""
        return self.body is not None and not self.body_truncated


class ConsumerMinute(models.Model):
    """What one process handled in one minute: exact, whatever share of it is kept as records.

    Written by the process alone (`consumers.records.minutes`), with the outcomes it speaks of. `minute`: minutes
    since 1970. `durations`: handling times by bucket of `consumers.records.minutes.BOUNDS_MS`.
    """

    # Those of a deleted consumer are left to retention, as its records are: there may be very many.
    consumer = models.ForeignKey(
        Consumer, models.DO_NOTHING, related_name="minutes", db_index=False, db_constraint=False
    )
    process = models.ForeignKey(ConsumerProcess, models.DO_NOTHING, db_index=False, db_constraint=False)
    minute = models.PositiveIntegerField()
    handled = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    retried = models.PositiveIntegerField(default=0)
    unacked = models.PositiveIntegerField(default=0, db_default=0)  # else well handled; RabbitMQ was not told
    durations = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["process", "minute"], name="one_row_per_minute")]
        indexes = [models.Index(fields=["consumer", "minute"])]

    def __str__(self) -> str:
        return f"{self.consumer_id} {self.minute}: {self.handled}"
