"""Taps, what they saw, where the firehose was switched on for them, and what was published of it again."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mqadmin.core.fields import ExactJSONField, SentenceField
from mqadmin.core.rights import asking
from mqadmin.core.rights.rows import May, Named, Within, WithinSet

M = TypeVar("M", bound=models.Model)


class Theirs(Within[M]):
    """`objects` of taps: that of a queue is for whose the queue is, that of an exchange for whose the whole virtual
    host is."""

    tap = ""  # where the tap's columns are, seen from the row

    def __init__(self) -> None:
        super().__init__()
        broker, vhost, name, kind = (f"{self.tap}{part}" for part in ("broker", "vhost", "name", "kind"))
        of_queue = Q(Q(**{kind: "queue"}), May(Named(broker, vhost, name)))
        self._is_theirs = of_queue | Q(May(Named(broker, vhost)))

    def get_queryset(self) -> WithinSet[M]:
        found: WithinSet[M] = WithinSet(self.model, using=self._db)
        who = asking.now()
        return found if who is None or who.rights.is_plain else found.filter(self._is_theirs)


class SeenByTheirs(Theirs[M]):
    """`objects` of what taps saw: for whose the tap is."""

    tap = "tap__"


class Tap(models.Model):
    """One look at what passes a queue or an exchange: what is wanted, and how far it is. Services make and end it,
    the process that holds it writes the rest."""

    class Kind(models.TextChoices):
        QUEUE = "queue", _("queue")
        EXCHANGE = "exchange", _("exchange")

    class State(models.TextChoices):
        WAITING = "waiting", _("starting")
        RUNNING = "running", _("running")
        ENDED = "ended", _("ended")

    OPEN = (State.WAITING, State.RUNNING)

    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=255, blank=True)  # "" is the default exchange
    is_firehose = models.BooleanField(default=False)
    query = models.CharField(max_length=2000, blank=True)
    rate = models.PositiveIntegerField()  # messages a second that are kept at most
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    is_stopping = models.BooleanField(default=False)  # somebody wants it to end
    words = SentenceField(max_length=500, blank=True)  # why it ended
    notes = models.JSONField(default=list)  # codes of what it cannot see: `pages.words`
    bound = models.JSONField(default=list)  # [[exchange, routing key, arguments], ...] as last bound
    queue = models.CharField(max_length=255, blank=True)  # its own
    # Of what matched or not: counted by the broker, taken from it, matched, kept.
    passed = models.PositiveBigIntegerField(null=True)
    taken = models.PositiveBigIntegerField(default=0)
    matched = models.PositiveBigIntegerField(default=0)
    kept = models.PositiveBigIntegerField(default=0)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    holder = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    title = models.CharField(max_length=80, blank=True)  # of a set that is kept; "" goes after a while

    objects = Theirs["Tap"]()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["broker", "-id"]), models.Index(fields=["state"])]

    def __str__(self) -> str:
        return f"tap {self.pk} on {self.kind} {self.vhost}:{self.name}"

    @property
    def is_open(self) -> bool:
        """Whether it runs, or is to."""
        return self.state in self.OPEN

    @property
    def of_queue(self) -> str | None:
        """The queue that it is on; None for an exchange, which is of the whole virtual host."""
        return self.name if self.kind == self.Kind.QUEUE else None

    @property
    def unseen(self) -> int | None:
        """How many passed and were not looked at; None where the broker does not count them."""
        return None if self.passed is None else max(0, self.passed - self.taken)


class Seen(models.Model):
    """One message that a tap saw, with masked fields hidden already. `properties`, `headers`: the lossless JSON of
    `mqadmin.rabbit.message`. `body` is cut; `size` is the whole."""

    tap = models.ForeignKey(Tap, on_delete=models.CASCADE, related_name="messages", db_index=False)
    at = models.DateTimeField()
    exchange = models.CharField(max_length=255, blank=True)
    routing_key = models.CharField(max_length=255, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    correlation_id = models.CharField(max_length=255, blank=True)
    trace_id = models.CharField(max_length=32, blank=True)  # of its header `traceparent`
    redelivered = models.BooleanField(default=False)
    size = models.PositiveBigIntegerField(default=0)
    properties = ExactJSONField(default=dict)
    headers = ExactJSONField(default=dict)
    body = models.BinaryField()
    is_cut = models.BooleanField(default=False)
    is_masked = models.BooleanField(default=False)

    objects = SeenByTheirs["Seen"]()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["tap", "-id"]),
            models.Index(fields=["message_id"], name="seen_message"),
            models.Index(fields=["correlation_id"], name="seen_correlation"),
            models.Index(fields=["trace_id"], name="seen_trace"),
        ]

    def __str__(self) -> str:
        return f"{self.exchange} {self.routing_key} {self.message_id}"


class Firehose(models.Model):
    """Tracing of a virtual host that was switched on here, written before it is: whoever finds the row and no tap
    that needs it switches tracing off."""

    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255)
    at = models.DateTimeField(auto_now_add=True)
    words = SentenceField(max_length=500, blank=True)  # why it could not be switched off yet

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "vhost"], name="one_firehose_each")]

    def __str__(self) -> str:
        return f"firehose of {self.vhost}"


class Replayed(models.Model):
    """The ledger of a replay: what of it was confirmed. A message without a row is still to be published."""

    operation = models.ForeignKey(
        "core.Operation", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    message = models.ForeignKey(Seen, on_delete=models.CASCADE, related_name="+")
    is_ok = models.BooleanField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operation", "message"], name="replayed_once")]

    def __str__(self) -> str:
        return f"{self.message_id} by {self.operation_id}"
