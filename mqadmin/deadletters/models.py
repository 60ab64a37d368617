"""Dead letters: captured from the broker, kept until a person or a rule decides."""

from __future__ import annotations

from collections.abc import Collection

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mqadmin.core import labels
from mqadmin.core.fields import ExactJSONField, SentenceField
from mqadmin.core.models import SavedSearch
from mqadmin.core.rights.rows import Named, Through, Within


class TrackedQueue(models.Model):
    """A dead-letter queue whose letters are captured, by a collector (a `consumers.Consumer`)."""

    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255)
    queue = models.CharField(max_length=255)
    consumer = models.OneToOneField("consumers.Consumer", on_delete=models.SET_NULL, null=True)
    tracked_by = models.CharField(max_length=150)
    tracked_at = models.DateTimeField(default=timezone.now)

    objects = Within["TrackedQueue"](Named("broker", "vhost", "queue"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "vhost", "queue"], name="tracked_once")]

    def __str__(self) -> str:
        return f"{self.vhost}:{self.queue}"


class DeadLetter(models.Model):
    """One captured message. `properties`, `headers`: the lossless JSON of `mqadmin.rabbit.message`."""

    class Status(models.TextChoices):
        PARKED = "parked", _("parked")
        REQUEUEING = "requeueing", _("requeueing")
        REQUEUED = "requeued", _("requeued")
        DISCARDED = "discarded", _("discarded")

    class Reason(models.TextChoices):
        REJECTED = "rejected", _("rejected")
        EXPIRED = "expired", _("expired")
        MAXLEN = "maxlen", _("queue too long")
        DELIVERY_LIMIT = "delivery_limit", _("delivered too often")
        ERROR = "error", _("handler failed")
        UNKNOWN = "unknown", _("cause not known")  # nothing in it tells of a death

    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255)
    dead_letter_queue = models.CharField(max_length=255)
    source_queue = models.CharField(max_length=255, blank=True)
    source_exchange = models.CharField(max_length=255, blank=True)
    routing_keys = ExactJSONField(default=list)
    return_queue = models.CharField(max_length=255, blank=True)  # where a requeue "to source" goes
    reason = models.CharField(max_length=20, choices=Reason.choices)
    death_count = models.PositiveIntegerField(default=1)
    deaths = ExactJSONField(default=list)  # newest first: queue, reason, count, time, exchange, routing_keys
    first_death_at = models.DateTimeField(null=True)
    captured_at = models.DateTimeField()
    message_id = models.CharField(max_length=255, blank=True, db_index=True)
    error_type = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    trace = models.TextField(blank=True)
    framework = models.CharField(max_length=30, blank=True)
    consumer = models.CharField(max_length=60, blank=True)
    group = models.CharField(max_length=32, blank=True)  # mqadmin.deadletters.letter.grouping
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PARKED)
    status_reason = SentenceField(max_length=500, blank=True)  # why it is back in the inbox
    size = models.PositiveIntegerField(default=0)
    properties = ExactJSONField(default=dict)
    headers = ExactJSONField(default=dict)
    body = models.BinaryField()
    search_text = models.TextField(blank=True)  # casefolded text of body, error and names, bounded
    note = models.TextField(blank=True)
    # Before the first edit: {"properties", "headers", "body" (base64)}, so that an edit can be undone.
    original = ExactJSONField(null=True)
    edits = models.PositiveIntegerField(default=0)  # grows with each change of what would be published
    requeue_count = models.PositiveIntegerField(default=0)

    # Capture: the same broker message is recognised at its redelivery by these.
    fingerprint = models.CharField(max_length=64)
    maybe_duplicate_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, db_index=False)
    # The `mqadmin-requeue-id` it came with: it was requeued before, and died again.
    came_back_as = models.CharField(max_length=36, blank=True)

    # Requeue: one outstanding claim per letter.
    operation = models.ForeignKey(
        "core.Operation", on_delete=models.SET_NULL, null=True, db_index=False, db_constraint=False
    )
    requeue_id = models.CharField(max_length=36, blank=True)
    claimed_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)

    # Whose queue it lies in may do with it what they may there, and so may whose queue it comes from.
    objects = Within["DeadLetter"](
        Named("broker", "vhost", "dead_letter_queue"), Named("broker", "vhost", "source_queue")
    )

    class Meta:
        ordering = ["-id"]
        # Every letter pays for every full index, thousands of times a second: the rest are partial.
        indexes = [
            models.Index(fields=["broker", "status", "-id"]),
            models.Index(fields=["broker", "status", "source_queue", "-id"]),
            models.Index(fields=["broker", "status", "group", "-id"]),
            models.Index(fields=["broker", "captured_at"]),
            models.Index(
                fields=["operation", "status", "id"],
                name="letter_operation",
                condition=models.Q(operation__isnull=False),
            ),
            models.Index(fields=["requeue_id"], name="letter_requeue_id", condition=~models.Q(requeue_id="")),
            models.Index(
                fields=["broker", "group"],
                name="letter_came_back",
                condition=~models.Q(came_back_as=""),
            ),
            models.Index(
                fields=["maybe_duplicate_of"],
                name="letter_duplicate",
                condition=models.Q(maybe_duplicate_of__isnull=False),
            ),
            models.Index(fields=["id"], name="letter_edited", condition=models.Q(edits__gt=0)),
            models.Index(
                fields=["broker", "status", "decided_at"],
                name="letter_decided",
                condition=models.Q(decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"letter #{self.pk} from {self.source_queue}"

    @classmethod
    def newest_id(cls) -> int:
        """Return the id of the newest letter of all, 0 when there is none."""
        return cls.objects.aggregate(newest=models.Max("pk"))["newest"] or 0

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        return labels.label(DeadLetter.Status, self.status)

    def get_reason_display(self) -> str:  # type: ignore[no-redef]
        return labels.label(DeadLetter.Reason, self.reason)

    @property
    def error_name(self) -> str:
        """The error's type without its package."""
        return self.error_type.rsplit(".", 1)[-1] or self.error_type


class CaptureWindow(models.Model):
    """Letters of one queue that were stored together, and of which it is not known yet whether the broker took
    the ack: those from `first` to `last`, primary keys. A row goes when it is known."""

    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255)
    queue = models.CharField(max_length=255)
    first = models.BigIntegerField()
    last = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.queue} {self.first} to {self.last}"


class ClaimedBatch(models.Model):
    """Letters that an operation has claimed and publishes: parked in their own rows until the broker answers.

    `ids`: theirs, from `first` to `last`; `mark` with a letter's id behind it is the `mqadmin-requeue-id` of its
    copy. The row goes in the transaction that writes what became of them. Nothing else changes such a letter
    meanwhile: see mqadmin.deadletters.requeue.guard.
    """

    operation = models.ForeignKey("core.Operation", on_delete=models.CASCADE)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    ids = models.JSONField()
    mark = models.CharField(max_length=20)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{len(self.ids)} letters of operation {self.operation_id}"

    @classmethod
    def among(cls, ids: Collection[int]) -> set[int]:
        """Return those of the parked letters `ids` that an operation publishes now.

        That stays true for the caller's transaction where it has locked their rows before it asks.
        """
        if not ids:
            return set()
        near = cls.objects.filter(first__lte=max(ids), last__gte=min(ids))
        return {pk for held in near.values_list("ids", flat=True) for pk in held}.intersection(ids)


class LetterEvent(models.Model):
    """The history of a letter: what happened to it, when, and by whom."""

    # PostgreSQL would look both up for each line, at a sixth of what a requeue costs it. Whoever writes one has the
    # letter's row locked.
    letter = models.ForeignKey(
        DeadLetter, on_delete=models.CASCADE, related_name="events", db_constraint=False
    )
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)  # captured requeued returned discarded restored edited noted
    by = models.CharField(max_length=150, blank=True)
    operation = models.ForeignKey("core.Operation", on_delete=models.SET_NULL, null=True, db_constraint=False)
    text = SentenceField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.text}"


class CauseNote(models.Model):
    """What a person wrote about a cause, a group of letters: "fixed in 2.14", and who looks after it."""

    broker = models.CharField(max_length=60)
    group = models.CharField(max_length=32)
    text = models.CharField(max_length=500, blank=True)
    owner = models.CharField(max_length=150, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now=True)

    objects = Within["CauseNote"](Named("broker", ""))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broker", "group"], name="one_note_per_cause")]

    def __str__(self) -> str:
        return self.text


class RetryRule(models.Model):
    """Requeues the letters of a queue or a group by itself, a few times, ever later; off until switched on.

    It is about letters captured after it was switched on: `seen` is the newest it has looked at.
    """

    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255, blank=True)
    source = models.CharField(max_length=255, blank=True)  # the queue they died in; "" with a group
    group = models.CharField(max_length=32, blank=True)  # a cause; "" for all of the queue
    is_on = models.BooleanField(default=False)
    at_most = models.PositiveSmallIntegerField(default=3)
    first_delay = models.FloatField(default=60)  # seconds
    factor = models.FloatField(default=5)
    max_delay = models.FloatField(default=86_400)  # seconds
    seen = models.BigIntegerField(default=0)
    changed_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField(auto_now=True)

    objects = Within["RetryRule"](Named("broker", "vhost", "source"))

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["broker", "vhost", "source", "group"], name="one_rule_each")
        ]

    def __str__(self) -> str:
        return f"retry {self.group or self.source}"


class PlannedRetry(models.Model):
    """One letter in the hands of a rule: its `number`th retry, when it is due, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("requeued")
        LEFT = "left", _("left for a person")

    letter = models.OneToOneField(DeadLetter, on_delete=models.CASCADE, related_name="retry")
    rule = models.ForeignKey(RetryRule, on_delete=models.CASCADE, related_name="retries")
    number = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)

    class Meta:
        db_table = "deadletters_retry"
        indexes = [models.Index(fields=["rule", "state", "due_at"], name="deadletters_rule_id_0f42b8_idx")]

    def __str__(self) -> str:
        return f"retry {self.number} of letter {self.letter_id}"


class Breaker(models.Model):
    """Pauses a consumer whose messages die of one cause in a burst; off until switched on for a consumer."""

    class State(models.TextChoices):
        CLOSED = "closed", _("watching")
        OPEN = "open", _("the consumer is paused")
        TRYING = "trying", _("trying one letter")

    consumer = models.OneToOneField("consumers.Consumer", on_delete=models.CASCADE, related_name="breaker")
    is_on = models.BooleanField(default=False)
    letters = models.PositiveIntegerField(default=20)  # of one cause, within
    seconds = models.FloatField(default=60)
    rest_seconds = models.FloatField(default=300)  # before one letter is tried
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLOSED)
    state_at = models.DateTimeField(null=True)
    group = models.CharField(max_length=32, blank=True)  # the cause it opened for
    operation = models.ForeignKey(
        "core.Operation", on_delete=models.SET_NULL, null=True
    )  # of the letter tried
    words = SentenceField(max_length=500, blank=True)
    changed_by = models.CharField(max_length=150)
    changed_at = models.DateTimeField(auto_now=True)

    objects = Within["Breaker"](Through("consumer_id", "consumers_consumer"))

    def __str__(self) -> str:
        return f"breaker of {self.consumer_id}: {self.state}"


class SavedView(SavedSearch):
    """A search worth keeping: the inbox's address without the broker."""

    class Meta(SavedSearch.Meta):
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_view_of_a_name")]


class Tally(models.Model):
    """So many letters have these columns: the sum over all rows with them. Written by triggers alone, see
    mqadmin.deadletters.search.tally."""

    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255)
    dead_letter_queue = models.CharField(max_length=255)
    source_queue = models.CharField(max_length=255)
    reason = models.CharField(max_length=20)
    group = models.CharField(max_length=32)
    status = models.CharField(max_length=12)
    letters = models.BigIntegerField()
    back = models.BigIntegerField()  # of those: requeued before, and died again

    objects = Within["Tally"](
        Named("broker", "vhost", "dead_letter_queue"), Named("broker", "vhost", "source_queue")
    )

    def __str__(self) -> str:
        return f"{self.letters} {self.status} from {self.source_queue}"


class WordsMark(models.Model):
    """How far the full-text index has come: letters up to `letter` are in it. One row."""

    letter = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.letter)


class RetentionNotice(models.Model):
    """Since when people are told that letters with a status go after so many days."""

    status = models.CharField(max_length=12, unique=True, choices=DeadLetter.Status.choices)
    days = models.FloatField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.status}: {self.days:g} days"
