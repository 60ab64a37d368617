"""History as it is stored: series, the newest moments of all of them, older chunks of each, and gaps."""

from __future__ import annotations

from django.db import models


class Series(models.Model):
    """One thing whose numbers are kept, by its names: it outlives the thing, and goes on when that comes back."""

    broker = models.CharField(max_length=60)
    kind = models.CharField(max_length=10)  # a key of `kinds.KINDS`
    vhost = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True)
    ended_at = models.BigIntegerField(null=True)  # epoch seconds of the first sample without it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["broker", "kind", "vhost", "name"], name="one_series_per_thing")
        ]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return f"{self.kind} {self.vhost}:{self.name}"


class Moment(models.Model):
    """What changed at one moment, of all series of a broker: written at each step, folded into chunks later."""

    broker = models.CharField(max_length=60)
    step = models.PositiveIntegerField()  # seconds
    at = models.BigIntegerField()  # epoch seconds
    count = models.PositiveIntegerField()
    data = models.BinaryField()  # `packing.moment`

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "step", "at"], name="one_moment_per_step")]


class Chunk(models.Model):
    """The points of one series over a span, in which it changed."""

    pk = models.CompositePrimaryKey("series_id", "step", "start")
    # No constraint in the database: ten thousand series are folded in one go, and are deleted after their chunks.
    series = models.ForeignKey(Series, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    step = models.PositiveIntegerField()  # seconds
    start = models.BigIntegerField()  # epoch seconds
    data = models.BinaryField()  # `packing.chunk`

    class Meta:
        indexes = [models.Index(fields=["step", "start"])]


class Gap(models.Model):
    """A while in which nobody looked at a broker, or it did not answer: nothing is known of it then."""

    broker = models.CharField(max_length=60)
    begin = models.BigIntegerField()  # epoch seconds of the last sample before it
    end = models.BigIntegerField()  # of the first one after it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "begin"], name="one_gap_per_begin")]
        indexes = [models.Index(fields=["broker", "end"])]


class Mark(models.Model):
    """Something that happened outside RabbitMQ and mqadmin and that charts show: a deployment, say."""

    broker = models.CharField(max_length=60, blank=True)  # empty: it concerns all
    at = models.DateTimeField(db_index=True)
    title = models.CharField(max_length=200)
    link = models.URLField(max_length=2083, blank=True)
    actor = models.CharField(max_length=150)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return self.title
