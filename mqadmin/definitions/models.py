"""Versions of a broker's definitions, the packed parts that they share, how the watch over each broker goes; what
the broker said of who changed what; restores, object by object."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mqadmin.core.fields import ExactJSONField, SentencesField
from mqadmin.core.models import Operation
from mqadmin.core.rights.rows import Named, Within


class Watch(models.Model):
    """How the watch over one broker's definitions goes. Its row is locked while a version is written or dropped."""

    broker = models.CharField(max_length=60, unique=True)
    checked_at = models.DateTimeField(
        null=True
    )  # when the broker last told its definitions, or that they are the same
    etag = models.CharField(max_length=200, blank=True)
    passing = models.PositiveIntegerField(default=0)  # objects that come and go with clients: not kept
    took_s = models.FloatField(default=0)
    fault = SentencesField(blank=True)  # why the last try failed; "" it did not
    fault_code = models.CharField(max_length=40, blank=True)
    wanted_at = models.DateTimeField(null=True)  # somebody asks for a look now
    listening_since = models.DateTimeField(null=True)  # the event exchange is listened to; null: it is not
    deaf = models.CharField(max_length=40, blank=True)  # why not: `listening.thread`; "" not tried yet
    deaf_text = SentencesField(blank=True)

    def __str__(self) -> str:
        return self.broker


class Version(models.Model):
    """The definitions of a broker as they were seen at `at`, and until the next version. Secrets are masked."""

    broker = models.CharField(max_length=60)
    at = models.DateTimeField()
    since = models.DateTimeField(
        null=True
    )  # the look before: it changed between the two; null: the first of all
    rabbitmq_version = models.CharField(max_length=60, blank=True)
    parts = models.JSONField(default=dict)  # name of a part -> digest of its `Part`
    counts = models.JSONField(default=dict)  # kind -> how many objects
    changed = models.JSONField(
        default=dict
    )  # added, gone, changed: how many objects, against the version before
    told = ExactJSONField(default=list)  # the first differences: [how, kind, vhost, [parts]]
    who = ExactJSONField(default=list)  # who seems to have done it, as far as it was known at once

    objects = Within["Version"](Named("broker"))

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["broker", "-id"])]

    def __str__(self) -> str:
        return f"{self.broker} {self.at:%Y-%m-%d %H:%M:%S}"


class Part(models.Model):
    """Some objects of one kind: JSON, compressed. Versions that are alike in them share it."""

    broker = models.CharField(max_length=60)
    digest = models.CharField(max_length=40)
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "digest"], name="one_part_of_a_digest")]

    def __str__(self) -> str:
        return f"{self.broker} {self.digest}"


class RestoreStep(models.Model):
    """One object of a restore, and what became of it. Its bodies are masked; an operation owns it."""

    class Outcome(models.TextChoices):
        PENDING = "", _("waiting")
        SENT = "sent", _("sent")  # the broker took it, or refused it; what is there was not read back yet
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CHANGED = "changed", _("not done")  # it was another object by then: left alone

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="restore_steps")
    number = models.PositiveIntegerField()  # in which order they go
    step = models.CharField(max_length=20)  # `Step.id`
    object = models.CharField(max_length=16)  # `Key.id`
    kind = models.CharField(max_length=20)
    act = models.CharField(max_length=10)
    body = ExactJSONField(default=dict)  # `acts.steps.to_json`
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, default=Outcome.PENDING)
    text = SentencesField(blank=True)
    at = models.DateTimeField(null=True)  # when the call began that did it; null: it was not touched

    class Meta:
        ordering = ["operation", "number"]
        indexes = [
            models.Index(fields=["operation", "outcome", "number"]),
            models.Index(fields=["operation", "object"]),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.object} of {self.operation_id}"


class Event(models.Model):
    """That somebody changed an object, as the broker's event exchange told. Neither its name nor its values are
    kept."""

    broker = models.CharField(max_length=60)
    at = models.DateTimeField()  # by our clock
    name = models.CharField(max_length=40)  # the event: "policy.set"
    subject = models.CharField(max_length=16)  # `listening.reading.subject`
    by = models.CharField(max_length=255, blank=True)  # the broker's user, as RabbitMQ tells

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["broker", "at"])]

    def __str__(self) -> str:
        return f"{self.broker} {self.name} by {self.by}"
