"""Acts that wait for a second person, and what people did lately that was small enough to need none."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mqadmin.core.fields import ExactJSONField
from mqadmin.core.models import Operation
from mqadmin.core.rights.rows import Named, Own, Within
from mqadmin.core.tones import Tone


class Approval(models.Model):
    """An act as it was asked for, with what it would have done then. Whoever may do as much may agree to it.

    `vhost`, `queue`: where it is about one, "" else. `arguments`: what its service is called with; nothing secret.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waits for a second person")
        DOING = "doing", _("is being done")
        DONE = "done", _("done")
        FAILED = "failed", _("could not be done")
        REFUSED = "refused", _("refused")
        TAKEN_BACK = "taken_back", _("taken back")
        EXPIRED = "expired", _("expired")

    act = models.CharField(max_length=60)  # its name in the audit log, a key of `gate.kinds`
    needs = models.CharField(max_length=10)  # the right that it takes, to ask for it and to agree
    broker = models.CharField(max_length=60)
    vhost = models.CharField(max_length=255, blank=True)
    queue = models.CharField(max_length=255, blank=True)
    target = models.CharField(max_length=600, blank=True)  # as the audit log names it
    summary = models.CharField(max_length=300)
    arguments = ExactJSONField(default=dict)
    messages = models.PositiveBigIntegerField(default=0)
    objects_touched = models.PositiveBigIntegerField(default=0)
    lately = models.CharField(max_length=300, blank=True)  # what counted besides, in words
    mark = models.CharField(max_length=64, blank=True)  # another once what it is about is another
    foretold = ExactJSONField(default=list)  # the dry run: {"level", "text"} each
    version = models.PositiveIntegerField(default=1)  # another once what is to be agreed to is another
    grown = models.CharField(max_length=300, blank=True)  # why it must be agreed to anew
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    asked_by = models.CharField(max_length=150)
    asker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    via = models.CharField(max_length=10)
    rights = models.JSONField(null=True)  # of who asked, where they are limited: `core.rights`
    asked_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    decided_by = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True)
    is_alone = models.BooleanField(default=False)  # its asker went ahead without a second person
    reason = models.CharField(max_length=500, blank=True)  # of who refused, took back or went ahead alone
    result = models.CharField(max_length=500, blank=True)  # what became of it, or why it could not be done
    operation = models.ForeignKey(
        Operation, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    objects = Within["Approval"](Named("broker", "vhost", "queue"), Own("asked_by"))
    everything = models.Manager["Approval"]()  # for acts that ask about rights themselves

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["status", "broker"])]

    def __str__(self) -> str:
        return f"{self.act} #{self.pk}"

    @property
    def is_waiting(self) -> bool:
        """Whether somebody may still agree."""
        return self.status == self.Status.WAITING and self.expires_at > timezone.now()

    @property
    def stage(self) -> Status:
        """Its status; one whose time is over has expired, whether that was written down or not."""
        is_over = self.status == self.Status.WAITING and not self.is_waiting
        return self.Status.EXPIRED if is_over else self.Status(self.status)

    @property
    def tone(self) -> Tone:
        """The colour of its stage; of one that went ahead alone it is told loudly."""
        if self.is_alone:
            return "red"
        tones: dict[str, Tone] = {"waiting": "amber", "doing": "blue", "done": "green", "failed": "red"}
        return tones.get(self.stage, "grey")


class Counted(models.Model):
    """An act that was small enough, kept for a while: many of them are as good as a large one."""

    kind = models.CharField(max_length=30)
    broker = models.CharField(max_length=60)
    who = models.CharField(max_length=170)  # the account's id, or the name of who has none
    messages = models.PositiveBigIntegerField()
    objects_touched = models.PositiveBigIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["broker", "kind", "who", "at"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.kind} on {self.broker} by {self.who}"
