"""Consumer definitions, the processes that run them, and the record of every message handled."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mqadmin.core import labels
from mqadmin.core.fields import ExactJSONField, SentenceField
from mqadmin.core.rights.rows import Named, Through, Within


class Consumer(models.Model):
    """What should run. The web writes it; supervisors make it so."""

    class Desired(models.TextChoices):
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")

    class Mode(models.TextChoices):
        PUSH = "push", _("push (basic.consume)")
        PULL = "pull", _("pull (basic.get)")

    class AckMode(models.TextChoices):
        MANUAL = "manual", _("manual: acked after it was handled")
        AUTO = "auto", _("auto: gone from the queue when delivered")

    class OnFailure(models.TextChoices):
        REPUBLISH = (
            "republish",
            _("a confirmed copy to the dead-letter target, with the error in its headers"),
        )
        REJECT = "reject", _("reject: the broker dead-letters it, without the error")

    class Records(models.TextChoices):
        DURABLE = "durable", _("durable: committed before the ack")
        BEST_EFFORT = "best_effort", _("best effort: acked first, written soon after")
        FAILURES = "failures", _("failures only")
        OFF = "off", _("off")

    class DedupeKey(models.TextChoices):
        MESSAGE_ID = "message_id", _("message id")
        HEADER = "header", _("a header")
        JSON = "json", _("a value in the JSON body")
        BODY = "body", _("the whole body")

    class BodyCapture(models.TextChoices):
        FAILURES = "failures", _("of failures")
        ALL = "all", _("of all")
        NONE = "none", _("of none")

    name = models.SlugField(max_length=60, unique=True)
    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255, default="/")
    queue = models.CharField(max_length=255)
    handler = models.CharField(max_length=100)
    options = models.JSONField(default=dict, blank=True)
    desired = models.CharField(max_length=10, choices=Desired.choices, default=Desired.STOPPED)
    replicas = models.PositiveSmallIntegerField(default=1)
    concurrency = models.PositiveSmallIntegerField(default=1)
    prefetch = models.PositiveIntegerField(default=10)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.PUSH)
    pull_interval = models.FloatField(default=1.0)  # seconds between looks in pull mode; idle waits grow
    ack = models.CharField(max_length=10, choices=AckMode.choices, default=AckMode.MANUAL)
    order = models.CharField(
        max_length=10,
        choices=[("fifo", _("as they come")), ("priority", _("highest priority first"))],
        default="fifo",
    )
    batch_size = models.PositiveIntegerField(default=1)  # messages for one call of a batch handler
    batch_seconds = models.FloatField(default=1.0)  # how long a batch waits to become full
    retry_attempts = models.PositiveSmallIntegerField(default=0)
    retry_first_delay = models.FloatField(default=1.0)
    retry_factor = models.FloatField(default=2.0)
    retry_max_delay = models.FloatField(default=300.0)
    retry_jitter = models.FloatField(default=0.1)  # share by which a delay may be longer or shorter
    # Of errors that say "not reachable now": None treats them like all others.
    connection_retries = models.PositiveSmallIntegerField(null=True, blank=True)
    connection_delay = models.FloatField(default=5.0)  # seconds before the first of them; then as the others
    connect_attempts = models.PositiveIntegerField(default=0)  # of the AMQP connection in a row; 0: unlimited
    dedupe_key = models.CharField(max_length=10, choices=DedupeKey.choices, blank=True)  # empty: no check
    dedupe_path = models.CharField(max_length=200, blank=True)  # name of the header, or path in the JSON
    dedupe_seconds = models.FloatField(default=86_400)  # how long a handled message is remembered
    timeout_seconds = models.FloatField(default=0)  # for one message; 0: as long as it takes
    deaths_limit = models.PositiveSmallIntegerField(default=3)  # deaths of a process before a message is out
    rate_limit = models.FloatField(default=0)  # messages a second of each process; 0: no limit
    on_failure = models.CharField(max_length=10, choices=OnFailure.choices, default=OnFailure.REPUBLISH)
    records = models.CharField(max_length=12, choices=Records.choices, default=Records.DURABLE)
    record_one_in = models.PositiveIntegerField(default=1)  # of the acked; all others are always kept
    body_capture = models.CharField(max_length=10, choices=BodyCapture.choices, default=BodyCapture.FAILURES)
    body_cap = models.PositiveIntegerField(default=262_144)
    consumer_priority = models.IntegerField(default=0)
    exclusive = models.BooleanField(default=False)
    stop_seconds = models.FloatField(default=30.0)
    # At most one process anywhere, at any moment: its host lets go before another may begin.
    single = models.BooleanField(default=False)
    placement = models.CharField(max_length=200, blank=True)  # labels a host must have: "zone=a, gpu"
    schedule = models.CharField(max_length=200, blank=True)  # hours: "mon-fri 08:00-18:00"; empty: all
    memory_limit_mb = models.PositiveIntegerField(default=0)  # above it a process is replaced; 0: none
    # Of autoscaling; it is on while `autoscale_max` is not 0.
    autoscale_min = models.PositiveSmallIntegerField(default=1)
    autoscale_max = models.PositiveSmallIntegerField(default=0)
    autoscale_seconds = models.FloatField(default=300.0)  # in which the queue is to be empty
    autoscaled = models.PositiveSmallIntegerField(null=True, blank=True)  # what it last decided
    is_collector = models.BooleanField(default=False)  # made by "track": captures a dead-letter queue
    # Grows with every change that a running process must be restarted for.
    revision = models.PositiveIntegerField(default=1)
    # Grows when a person asks for it: "start now" after a failure, restart.
    nudge = models.PositiveIntegerField(default=0)
    # Whether the last nudge replaces one replica after another, each once the one before consumes.
    rolling = models.BooleanField(default=False)
    # Grows when a person asks for what is in hand to be delivered again.
    redelivers = models.PositiveIntegerField(default=0)
    desired_by = models.CharField(max_length=150, blank=True)  # who last started, paused or stopped it
    desired_at = models.DateTimeField(null=True)
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Within["Consumer"](Named("broker", "vhost", "queue"))

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_autoscaled(self) -> bool:
        return self.autoscale_max > 0

    @property
    def target(self) -> int:
        """How many processes should run now: as a person said, or as autoscaling decided within its bounds."""
        if not self.is_autoscaled:
            return self.replicas
        decided = self.autoscale_min if self.autoscaled is None else self.autoscaled
        return max(self.autoscale_min, min(self.autoscale_max, decided))


class ConsumerProcess(models.Model):
    """One operating-system process of one consumer, as it last reported itself."""

    class State(models.TextChoices):
        STARTING = "starting", _("starting")
        CONNECTING = "connecting", _("connecting")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        DRAINING = "draining", _("draining")
        WAITING = "waiting", _("waiting")
        STOPPED = "stopped", _("stopped")
        BACKOFF = "backoff", _("backoff")
        FAILED = "failed", _("failed")
        LOST = "lost", _("lost")

    LIVE = (State.STARTING, State.CONNECTING, State.RUNNING, State.PAUSED, State.DRAINING, State.WAITING)

    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="processes")
    host = models.CharField(max_length=255)
    supervisor = models.CharField(max_length=255, blank=True)  # empty: started by hand or by another system
    replica = models.PositiveSmallIntegerField(default=0)
    pid = models.PositiveIntegerField(null=True)
    pid_created = models.FloatField(null=True)  # psutil's create_time: tells a reused pid
    revision = models.PositiveIntegerField(default=0)
    nudge = models.PositiveIntegerField(default=0)  # the definition's when this process was started
    state = models.CharField(max_length=12, choices=State.choices, default=State.STARTING)
    state_reason = SentenceField(max_length=500, blank=True)
    state_since = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    connected_at = models.DateTimeField(null=True)  # since when its connection stands; None without one
    blocked_reason = models.CharField(max_length=200, blank=True)  # why RabbitMQ takes no publishing from it
    subscribed_at = models.DateTimeField(null=True)  # when it first consumed
    # Until then its host may run it, by the database's clock; None: nobody else may take it over.
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    next_start_at = models.DateTimeField(null=True)  # while in backoff
    stop_requested_at = models.DateTimeField(null=True)
    kill_requested_at = models.DateTimeField(null=True)
    exit_reason = SentenceField(max_length=500, blank=True)
    restarts = models.PositiveIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)  # in a row, without ten healthy minutes
    early_deaths = models.PositiveSmallIntegerField(default=0)  # in a row, before it consumed in health
    kills = models.PositiveSmallIntegerField(default=0, db_default=0)  # in a row, from outside, in health
    kills_since = models.DateTimeField(null=True)
    processed = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    retried = models.PositiveBigIntegerField(default=0)
    unacked = models.PositiveBigIntegerField(default=0, db_default=0)  # processed, RabbitMQ not told
    in_flight = models.PositiveIntegerField(default=0)
    connections = models.PositiveIntegerField(default=0)  # made since the start
    connection_errors = models.PositiveIntegerField(default=0)  # refused or lost connections
    channel_errors = models.PositiveIntegerField(default=0)  # channels, subscriptions ended by the broker
    held_times = models.PositiveIntegerField(default=0, db_default=0)  # taken back: held too long
    held_limit_ms = models.BigIntegerField(null=True)
    held_at = models.DateTimeField(null=True)
    rate = models.FloatField(default=0)
    rss_bytes = models.BigIntegerField(null=True)
    cpu_percent = models.FloatField(null=True)
    threads = models.PositiveIntegerField(null=True)
    open_files = models.PositiveIntegerField(null=True)
    usage = models.JSONField(default=list, blank=True)  # [[epoch s, CPU %, RSS MB, threads, open files], ...]
    ended_at = models.DateTimeField(null=True)

    objects = Within["ConsumerProcess"](Through("consumer_id", "consumers_consumer"))

    class Meta:
        ordering = ["replica", "id"]
        indexes = [models.Index(fields=["consumer", "ended_at"])]
        constraints = [
            # Creating the row is the claim on a replica: two hosts never both run it.
            models.UniqueConstraint(
                fields=["consumer", "replica"],
                condition=Q(ended_at__isnull=True) & ~Q(supervisor=""),
                name="one_process_per_replica",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer_id}[{self.replica}] {self.host}:{self.pid}"


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


class Suspect(models.Model):
    """A message that came back, noted before it is handled again: if the process dies, the next one knows."""

    consumer = models.ForeignKey(Consumer, on_delete=models.CASCADE, related_name="suspects")
    key = models.CharField(max_length=64)
    process_id = models.BigIntegerField()  # not a foreign key: the row may be gone before the note
    deaths = models.PositiveSmallIntegerField(default=0)
    noted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "key"], name="one_note_per_message")]

    def __str__(self) -> str:
        return f"{self.key}: {self.deaths}"


class HandledKey(models.Model):
    """A message that was handled, or is being handled: one with the same key is a duplicate.

    Claimed before the handler runs, marked `done` in the transaction that records it as acked, deleted in the
    one that records any other outcome. A claim of a process that died is taken over.
    """

    # Those of a deleted consumer are left to retention. They are nobody's: no other consumer ever has its id.
    consumer = models.ForeignKey(
        Consumer, models.DO_NOTHING, related_name="handled_keys", db_index=False, db_constraint=False
    )
    key = models.CharField(max_length=64)
    process_id = models.BigIntegerField()  # not a foreign key: the row may be gone before the key
    done = models.BooleanField(default=False)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "key"], name="one_claim_per_key")]

    def __str__(self) -> str:
        return f"{self.key}: {'done' if self.done else 'in hand'}"


class SupervisorHost(models.Model):
    """A running supervisor, renewed by its heartbeat."""

    name = models.CharField(max_length=255, unique=True)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    machine = models.CharField(max_length=255, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    capacity = models.PositiveIntegerField(default=0)  # processes it runs at most; 0: no limit
    version = models.CharField(max_length=40, blank=True)
    drained = models.BooleanField(default=False)  # takes nothing new; set by a person

    def __str__(self) -> str:
        return self.name


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
