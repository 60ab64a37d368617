"""Versions of a broker's definitions, the packed parts that they share, and how the watch over each broker goes."""

from __future__ import annotations

from django.db import models

from mqadmin.core.fields import ExactJSONField


class Watch(models.Model):
    """How the watch over one broker's definitions goes. Its row is locked while a version is written or dropped."""

    broker = models.CharField(max_length=60, unique=True)
    checked_at = models.DateTimeField(
        null=True
    )  # when the broker last told its definitions, or that they are the same
    etag = models.CharField(max_length=200, blank=True)
    passing = models.PositiveIntegerField(default=0)  # objects that come and go with clients: not kept
    took_s = models.FloatField(default=0)
    fault = models.TextField(blank=True)  # why the last try failed; "" it did not
    fault_code = models.CharField(max_length=40, blank=True)
    wanted_at = models.DateTimeField(null=True)  # somebody asks for a look now

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
