"""What a person defines: a consumer as it should run."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mqadmin.core.rights.rows import Named, Within


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
