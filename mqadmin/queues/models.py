"""Brokers and queues as last observed. RabbitMQ is the truth; these rows are its newest picture."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mqadmin.core.fields import SentencesField
from mqadmin.core.models import SavedSearch
from mqadmin.core.rights.rows import Named, Within
from mqadmin.queues import changes


class Broker(models.Model):
    """A configured cluster: its slug and what the monitor saw. Addresses and passwords are never stored."""

    slug = models.SlugField(max_length=60, unique=True)
    reachable = models.BooleanField(null=True)  # None: never tried yet
    error_code = models.CharField(max_length=40, blank=True)
    error = SentencesField(blank=True)
    product = models.CharField(max_length=40, blank=True)
    version = models.CharField(max_length=40, blank=True)
    cluster_name = models.CharField(max_length=255, blank=True)
    totals = models.JSONField(default=dict)  # ready, unacked, *_rate; a missing key is unknown, not 0
    nodes = models.JSONField(default=list)
    alarms = models.JSONField(default=list)
    traits = models.JSONField(default=dict)  # erlang, metadata_store, deprecated: `monitor.traits`
    # What mqadmin's user may not see (`monitor.sight.noted`), {} for nothing.
    unseen = models.JSONField(default=dict)
    # [{"code", "level", "params", "since"}], the worst first: `monitor.cluster`; worded by `pages.broker_wording`.
    reasons = models.JSONField(default=list)
    facts = models.JSONField(default=dict)  # what verdicts on it remember: `monitor.cluster.facts.Memory`
    definitions = models.JSONField(
        default=dict
    )  # as last seen, to tell what changes: `monitor.cluster.changes`
    history = models.JSONField(default=dict)  # name -> [[epoch_seconds, value], ...], the last hour
    queue_count = models.PositiveIntegerField(default=0)
    changes = models.BigIntegerField(
        default=0
    )  # rises with each write of one of its queues: `queues.changes`
    tried_at = models.DateTimeField(null=True)
    sampled_at = models.DateTimeField(null=True)  # the last success

    objects = Within["Broker"](Named("slug", "", ""))

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class BrokerEvent(models.Model):
    """Something that happened to a broker, as the monitor saw it: `monitor.cluster.changes`."""

    broker = models.CharField(max_length=60)
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    params = models.JSONField(default=dict)

    objects = Within["BrokerEvent"](Named("broker", ""))

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["broker", "at"])]

    def __str__(self) -> str:
        return f"{self.broker} {self.kind}"


# What the list of queues is filtered, counted and sorted by, in one index: the database reads that instead of rows
# ten times as wide. No long texts: PostgreSQL takes 2,700 bytes for an entry. In its order the chips are counted.
LISTED = [
    *("broker", "gone_at", "vhost", "type", "health", "is_inbox", "consumers"),
    *("name", "changed_at", "health_rank", "ready", "unacked", "total", "growth", "clears_in", "oldest_at"),
    *("publish_rate", "deliver_rate", "ack_rate", "redeliver_rate", "memory", "message_bytes"),
]


# The same in the order of names, of what seldom changes: names are long to sort, and searched.
NAMED = ["broker", "gone_at", "name", "vhost", "type", "health", "is_inbox", "consumers"]


class Queue(models.Model):
    """One queue of one broker. Numbers that the broker did not report are None: unknown, not zero."""

    class Health(models.TextChoices):
        BROKEN = "broken", _("broken")
        WATCH = "watch", _("watch")
        OK = "ok", _("working")
        IDLE = "idle", _("idle")
        UNKNOWN = "unknown", _("unknown")

    broker = models.ForeignKey(Broker, on_delete=models.CASCADE, related_name="queues")
    vhost = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=20, default="classic")
    durable = models.BooleanField(default=True)
    auto_delete = models.BooleanField(default=False)
    exclusive = models.BooleanField(default=False)
    state = models.CharField(max_length=40, blank=True)
    node = models.CharField(max_length=255, blank=True)
    ready = models.BigIntegerField(null=True)
    unacked = models.BigIntegerField(null=True)
    total = models.BigIntegerField(null=True)
    consumers = models.IntegerField(null=True)
    publish_rate = models.FloatField(null=True)
    deliver_rate = models.FloatField(null=True)
    ack_rate = models.FloatField(null=True)
    redeliver_rate = models.FloatField(null=True)
    memory = models.BigIntegerField(null=True)
    message_bytes = models.BigIntegerField(null=True)
    capacity = models.FloatField(null=True)  # 0 to 1: the share of time in which a consumer could take one
    ram = models.BigIntegerField(null=True)  # messages in memory
    persistent = models.BigIntegerField(null=True)  # messages that outlive a restart
    bytes_ram = models.BigIntegerField(null=True)
    bytes_persistent = models.BigIntegerField(null=True)
    arguments = models.JSONField(default=dict)
    policy = models.CharField(max_length=255, blank=True)
    effective_policy = models.JSONField(default=dict)
    history = models.JSONField(default=list)  # [[epoch_minute, total], ...] where it changed; at most 60
    growth = models.FloatField(null=True)  # messages per second, over about the last minute
    clears_in = models.FloatField(null=True)  # seconds; health.NEVER; None: nothing can be said
    oldest_at = models.BigIntegerField(null=True)  # epoch seconds: since when the oldest ready message waits
    oldest_at_least = models.BooleanField(default=False)  # it was there before anybody looked
    facts = models.JSONField(default=dict)  # what verdicts remember: `memory.Memory`

    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNKNOWN)
    health_rank = models.SmallIntegerField(default=0)  # 3 broken, 2 watch, 1 working, 0 idle or unknown
    health_reasons = models.JSONField(default=list)  # [{"code": ..., "params": {...}}], worded when shown
    dead_letters_to = models.JSONField(default=list)
    dead_letters_from = models.JSONField(default=list)
    dead_letter_choice = models.CharField(
        max_length=10, blank=True
    )  # which of `dead_letters_to`: `Route.choice`
    dead_letter_fault = models.CharField(max_length=40, blank=True)
    is_inbox = models.BooleanField(default=False)  # dead letters end up here: not a delay, not a way back
    is_delay = models.BooleanField(default=False)
    delay_ms = models.PositiveBigIntegerField(null=True)  # how long a delay queue holds a message
    tracked = models.BooleanField(default=False)  # its letters are captured; kept by mqadmin.deadletters

    # What people say of it; the monitor writes none of these but what a `Standing` says.
    owner = models.CharField(max_length=150, blank=True)
    note = models.TextField(blank=True)
    thresholds = models.JSONField(default=dict)  # {"ready": 1000}: what differs from the default
    muted_until = models.DateTimeField(null=True)
    muted_by = models.CharField(max_length=150, blank=True)
    own = models.JSONField(default=list)  # which of owner, thresholds, mute a person set on this queue itself

    first_seen_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(null=True)  # another one with each write, whoever writes
    gone_at = models.DateTimeField(null=True)

    objects = changes.QueueManager["Queue"]()

    class Meta:
        ordering = ["broker", "vhost", "name"]
        constraints = [models.UniqueConstraint(fields=["broker", "vhost", "name"], name="one_row_per_queue")]
        indexes = [
            models.Index(fields=LISTED, name="queues_listed"),
            models.Index(fields=NAMED, name="queues_named"),
        ]

    def __str__(self) -> str:
        return f"{self.vhost}:{self.name}"

    def save(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            changes.written(self)
            self.changed_at = timezone.now()
            if options.get("update_fields") is not None:
                options["update_fields"] = {*options["update_fields"], "changed_at"}
            super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            changes.written(self)
            return super().delete(*args, **options)


class Standing(models.Model):
    """What holds for every queue that matches a search, also for those that appear later: None says nothing.

    Of two that match, the one of higher rank decides, at first the newer one; what a person set on a queue itself
    decides before both.
    """

    name = models.CharField(max_length=80, unique=True)
    query = models.CharField(max_length=2000)
    owner = models.CharField(max_length=150, blank=True)
    thresholds = models.JSONField(null=True)
    muted_until = models.DateTimeField(null=True)
    rank = models.IntegerField(default=0)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-rank", "-id"]  # the one that decides first on top

    def __str__(self) -> str:
        return self.name


class Arrivals(models.Model):
    """What the monitor must know after a restart to tell how long messages wait. Written once a minute."""

    broker = models.OneToOneField(Broker, on_delete=models.CASCADE, primary_key=True, related_name="arrivals")
    at = models.FloatField()  # epoch seconds of the sample that it is of
    data = models.BinaryField()  # `monitor.arrivals_kept`

    def __str__(self) -> str:
        return f"arrivals of {self.broker_id}"


class SavedQueueView(SavedSearch):
    """A search of the queues worth keeping."""

    class Meta(SavedSearch.Meta):
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_queue_view_of_a_name")]
