"""What happened to consumers, for people: as it is told, and as autoscaling drew it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from consumers.models.definition import Consumer
from consumers.models.process import ConsumerProcess
from mqadmin.core.fields import SentenceField
from mqadmin.core.rights.rows import Through, Within


class ConsumerEvent(models.Model):
    """What happened to a consumer, for people: connects, losses, starts, crashes, each with its reason."""

    consumer = models.ForeignKey(Consumer, models.CASCADE, related_name="events")
    process = models.ForeignKey(ConsumerProcess, on_delete=models.SET_NULL, null=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=30)
    text = SentenceField(max_length=500)
    detail = models.TextField(blank=True)  # of a crash: the last lines it printed; of a decision: its numbers

    objects = Within["ConsumerEvent"](Through("consumer_id", "consumers_consumer"))

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["consumer", "-id"])]

    def __str__(self) -> str:
        return self.text

    @property
    def called(self) -> str:
        """What kind of thing happened, in a word; a kind that nothing here writes, as it is."""
        return str(_HAPPENINGS.get(self.kind, self.kind))


_HAPPENINGS = {
    "adopted": _("adopted"),
    "asked": _("asked"),
    "blocked": _("blocked"),
    "configuration": _("configuration"),
    "connected": _("connected"),
    "copy_refused": _("copy refused"),
    "crashed": _("crashed"),
    "disconnected": _("disconnected"),
    "displaced": _("displaced"),
    "failed": _("failed"),
    "gave_up": _("gave up"),
    "held_too_long": _("held too long"),
    "killed": _("killed"),
    "lost": _("lost"),
    "memory": _("memory"),
    "not_scaled": _("not scaled"),
    "overdue": _("overdue"),
    "parked": _("parked"),
    "records": _("records"),
    "records_lost": _("records lost"),
    "recycled": _("recycled"),
    "redeliver": _("taken back"),
    "scaled": _("scaled"),
    "started": _("started"),
    "too_large": _("too large"),
    "unblocked": _("unblocked"),
    "unsubscribed": _("unsubscribed"),
}


class ScalePoint(models.Model):
    """What autoscaling saw and decided at one look: drawn on the consumer's page. Rates a second."""

    consumer = models.ForeignKey(Consumer, models.CASCADE, related_name="scale_points", db_index=False)
    at = models.DateTimeField()
    replicas = models.PositiveSmallIntegerField()
    backlog = models.PositiveBigIntegerField()
    arriving = models.FloatField(default=0)
    handling = models.FloatField(default=0)

    class Meta:
        indexes = [models.Index(fields=["consumer", "at"])]

    def __str__(self) -> str:
        return f"{self.consumer_id} {self.at}: {self.replicas}"
