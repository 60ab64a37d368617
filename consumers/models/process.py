"""The processes that run consumers, and the hosts whose supervisors start them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consumers.models.definition import Consumer
from mqadmin.core.fields import SentenceField
from mqadmin.core.rights.rows import Through, Within


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
