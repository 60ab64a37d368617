"""What every app shares in the database: operations, the audit log, API tokens, leases."""

from __future__ import annotations

import math

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mqadmin.core.fields import ExactJSONField, SentenceField, SentencesField
from mqadmin.core.rights.rows import Named, Own, Within


class Access(models.Model):
    """No table: carries the three permissions that the roles are made of."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view", "Can see every page"),
            ("operate", "Can purge, requeue, start and stop"),
            ("configure", "Can define consumers and configure"),
        ]


class Operation(models.Model):
    """A bulk act that a worker carries out: the row, not the Celery message, says what is left to do."""

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting for a worker")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Phase(models.TextChoices):
        HELD = "held", _("held: it can be undone")
        WATCHING = "watching", _("watching what became of the first")

    OPEN = (Status.PENDING, Status.RUNNING, Status.PAUSED)

    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    broker = models.CharField(max_length=60, blank=True)
    summary = SentenceField(max_length=300, blank=True)
    params = models.JSONField(default=dict)
    rights = models.JSONField(null=True)  # of who began it, where they are limited: `core.rights`
    total = models.PositiveBigIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    error = SentencesField(blank=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    rate_limit = models.FloatField(default=0)  # items a second at most; 0: as fast as it goes
    # No worker takes it up before: while it is held, or waits to see what became of its first items.
    not_before = models.DateTimeField(null=True)
    phase = models.CharField(max_length=10, choices=Phase.choices, blank=True)
    words = SentenceField(max_length=500, blank=True)  # what it is at, for people; "" says nothing more
    canary = models.JSONField(default=dict)  # `deadletters.requeue.canary`; {} is none
    # The worker that has it in hand, renewed while it works; an expired lease means it was orphaned.
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)

    objects = Within["Operation"](Named("broker"), Own("created_by", "rights"))

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "lease_until"])]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def stage(self) -> str:
        """What it is at, in a few words: its phase while that lasts, else its status."""
        return str(self.get_phase_display() if self.is_in_phase else self.get_status_display())

    @property
    def is_in_phase(self) -> bool:
        """Whether it waits as its phase says, rather than for a worker or a person."""
        return bool(self.phase) and self.status in (self.Status.PENDING, self.Status.RUNNING)

    @property
    def begins_in(self) -> float | None:
        """Seconds for which it is still held and can be undone; None when it is not."""
        if self.phase != self.Phase.HELD or self.not_before is None or self.status != self.Status.PENDING:
            return None
        return max(0.0, math.ceil((self.not_before - timezone.now()).total_seconds()))


class OperationProblem(models.Model):
    """One thing an operation could not do, in words; `target` names it (for a letter: its id)."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="problems")
    target = models.CharField(max_length=255)
    reason = SentenceField(max_length=500)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.target}: {self.reason}"


class KeptMessage(models.Model):
    """A message that an operation took out of a queue and keeps, so that it can be put back.

    `properties`, `headers`: the lossless JSON of `mqadmin.rabbit.message`.
    """

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="kept", db_index=False)
    exchange = models.CharField(max_length=255, blank=True)
    routing_key = models.CharField(max_length=255, blank=True)
    properties = ExactJSONField(default=dict)
    headers = ExactJSONField(default=dict)
    body = models.BinaryField()
    fingerprint = models.CharField(max_length=64)
    is_taken = models.BooleanField(default=False)  # the broker took the ack: it is here and nowhere else
    is_restored = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["operation", "is_restored", "id"])]

    def __str__(self) -> str:
        return f"{self.exchange} {self.routing_key} of {self.operation_id}"


class AuditEntry(models.Model):
    """One act of a person: written as intent before it happens, completed with its outcome after."""

    class Outcome(models.TextChoices):
        INTENT = "intent", _("begun")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        FAILED = "failed", _("failed")
        WAITING = "waiting", _("waits for a second person")

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=150, db_index=True)
    via = models.CharField(max_length=10, default="web")  # web, api, shell
    action = models.CharField(max_length=60, db_index=True)
    broker = models.CharField(max_length=60, blank=True)
    target = models.CharField(max_length=600, blank=True)
    count = models.PositiveBigIntegerField(null=True)
    detail = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.INTENT)
    reason = SentencesField(blank=True)
    finished_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when the webhook of the audit log took it

    objects = Within["AuditEntry"](Named("broker"), Own("actor"))

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"

    @property
    def tone(self) -> str:
        """The colour of its outcome."""
        return {"done": "grey", "intent": "blue", "waiting": "blue", "refused": "amber"}.get(
            self.outcome, "red"
        )


class ApiToken(models.Model):
    """A bearer token: only its SHA-256 is stored, the token itself is shown once.

    `level`: the most that it may, of what its user may; `broker`, `vhost`, `queue`: with what, as patterns.
    `expires_at`: from then on it opens nothing; None: no end.
    """

    class Level(models.TextChoices):
        VIEW = "view", _("look")
        OPERATE = "operate", _("operate")
        CONFIGURE = "configure", _("configure")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.CONFIGURE)
    broker = models.CharField(max_length=60, default="*")
    vhost = models.CharField(max_length=255, default="*")
    queue = models.CharField(max_length=255, default="*")
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.CharField(max_length=45, blank=True)  # the address, "" where it is not known

    def __str__(self) -> str:
        return f"{self.user} …{self.hint}"


class Grant(models.Model):
    """What a role (a group) may do with a part of what is there: the level, and three patterns as of `core.rights`.

    `reveals`: whether those who have it see what masks hide.
    """

    class Level(models.IntegerChoices):
        VIEW = 1, _("look")
        OPERATE = 2, _("operate")
        CONFIGURE = 3, _("configure")

    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, related_name="grants")
    broker = models.CharField(max_length=60, default="*")
    vhost = models.CharField(max_length=255, default="*")
    queue = models.CharField(max_length=255, default="*")
    level = models.SmallIntegerField(choices=Level.choices)
    reveals = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.group}: {self.broker} {self.vhost} {self.queue} {self.get_level_display()}"


class Lease(models.Model):
    """An exclusive right for a while (who may sample a broker): taken and renewed by compare-and-set."""

    name = models.CharField(max_length=100, primary_key=True)
    holder = models.CharField(max_length=100)
    expires_at = models.DateTimeField()
    renewed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"


class WallToken(models.Model):
    """What opens the wall where nobody is signed in: only its SHA-256 is stored, its link is shown once.

    It sees what its maker may see, as long as they may; and of that the wall alone.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wall_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return f"{self.name} …{self.hint}"


class SavedSearch(models.Model):
    """A search worth keeping: a list's address without the broker. `owner` "" shares it with everybody."""

    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000)
    owner = models.CharField(max_length=150, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Restored(models.Model):
    """That this database was restored from a backup, until somebody says that they know. `lines`: what was switched
    off then, a sentence each."""

    taken_at = models.DateTimeField()  # the backup
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    lines = models.JSONField(default=list)
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"backup of {self.taken_at:%Y-%m-%d %H:%M:%S}"
