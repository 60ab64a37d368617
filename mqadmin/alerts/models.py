"""Alerts as they are stored: rules, what fires, incidents, channels, the outbox, silences.

Addresses and secrets of channels are in no row: a row holds the name of an environment variable.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mqadmin.core import wording
from mqadmin.core.fields import SentenceField
from mqadmin.core.rights.rows import Holding, Named, Only, Within

# Of whom an alert is. The names of consumers and causes are no names of queues.
_OF = (Named("broker", "vhost"), Only("subject", "queue", Named("broker", "vhost", "name")))


class Severity(models.IntegerChoices):
    """How bad it is; the larger the worse."""

    INFO = 1, _("info")
    WARNING = 2, _("warning")
    CRITICAL = 3, _("critical")


class Rule(models.Model):
    """What is to be told of: a condition on rows, on which of them, and for how long it must hold."""

    class About(models.TextChoices):
        VERDICT = "verdict", _("the verdict on a queue")
        NUMBER = "number", _("a number of a queue")
        RATE = "rate", _("a rate of a queue")
        LAG = "lag", _("how long the oldest message waits")
        LETTERS = "letters", _("dead letters that arrive")
        CAUSE = "cause", _("dead letters of one cause that arrive")
        NEW_CAUSE = "new_cause", _("a new cause of dead letters")
        CONSUMER = "consumer", _("the state of a consumer's process")
        BROKER_AWAY = "broker_away", _("a broker that does not answer")
        BROKER_REASON = "broker_reason", _("the verdict on a broker")
        PROCESS_AWAY = "process_away", _("a process of mqadmin that is away")
        APPROVAL = "approval", _("an act that needs a second person")

    class Operator(models.TextChoices):
        ABOVE = "above", _("above")
        BELOW = "below", _("below")

    name = models.CharField(max_length=120)
    built_in = models.CharField(max_length=40, blank=True)  # a key of `rules.built_in`; "": a person's own
    is_on = models.BooleanField(default=True)
    about = models.CharField(max_length=20, choices=About.choices)
    broker = models.CharField(max_length=60, blank=True)  # "": all
    queues = models.CharField(max_length=1000, blank=True)  # in the language of the queues' filter; "": all
    # VERDICT and BROKER_REASON: "broken" or "watch", the least that counts.
    level = models.CharField(max_length=10, blank=True)
    # Codes of reasons, states of processes, groups of letters (CAUSE); []: any.
    codes = models.JSONField(default=list, blank=True)
    # NUMBER, RATE: a key of `rules.fields`. LAG: seconds. LETTERS, CAUSE: how many within `window_s`.
    field = models.CharField(max_length=30, blank=True)
    operator = models.CharField(max_length=10, choices=Operator.choices, default=Operator.ABOVE)
    value = models.FloatField(null=True, blank=True)
    clear_value = models.FloatField(null=True, blank=True)  # it ends only beyond this; None: beyond `value`
    window_s = models.PositiveIntegerField(default=600)
    for_s = models.PositiveIntegerField(default=60)  # how long it must hold before it fires
    clear_s = models.PositiveIntegerField(default=60)  # how long it must be fine before it is resolved
    severity = models.PositiveSmallIntegerField(choices=Severity.choices, default=Severity.WARNING)
    repeat_s = models.PositiveIntegerField(default=4 * 3600)  # told again, at most so often; 0: never
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-severity", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["built_in"], condition=~Q(built_in=""), name="one_rule_per_built_in"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """Its name; of one that came along, unless a person renamed it, in the reader's language."""
        return wording.worded(self.name) if self.built_in else self.name


class Channel(models.Model):
    """A way to people. Its address and its secret are in environment variables, which are named here."""

    class Kind(models.TextChoices):
        APPRISE = "apprise", _("apprise: e-mail, chat, pagers")
        WEBHOOK = "webhook", _("a signed webhook")

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.APPRISE)
    variable = models.CharField(
        max_length=100
    )  # MQADMIN_ALERT_...: the apprise URL, or the webhook's address
    secret_variable = models.CharField(max_length=100, blank=True)  # of a webhook: what it is signed with
    is_on = models.BooleanField(default=True)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices, default=Severity.INFO)  # the least
    broker = models.CharField(max_length=60, blank=True)
    queues = models.CharField(max_length=1000, blank=True)
    # Escalation: told only of what nobody acknowledged for so long; 0: at once.
    after_minutes = models.PositiveIntegerField(default=0)
    quiet_from = models.TimeField(null=True, blank=True)  # both or none
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, blank=True)  # of the quiet hours; "": the server's
    quiet_severity = models.PositiveSmallIntegerField(
        choices=Severity.choices, default=Severity.CRITICAL
    )  # the least that passes in quiet hours
    changed_by = models.CharField(max_length=150, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["after_minutes", "name"]

    def __str__(self) -> str:
        return self.name


class Incident(models.Model):
    """Alerts of one broker and one kind of trouble, told together. Changed by compare-and-set on `version`."""

    broker = models.CharField(max_length=60, blank=True)  # "": mqadmin itself
    kind = models.CharField(max_length=60)  # "verdict:no_consumers", "broker_away", "rule:12", ...
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)  # the worst that it had
    title = SentenceField(max_length=300)
    firing = models.PositiveIntegerField(default=0)  # alerts now
    most = models.PositiveIntegerField(default=0)  # alerts at its worst
    is_silenced = models.BooleanField(default=False)  # all of it is silenced or muted now
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    snoozed_until = models.DateTimeField(null=True)
    snoozed_by = models.CharField(max_length=150, blank=True)
    told_at = models.DateTimeField(null=True)  # when a message about it was last decided
    escalated_at = models.DateTimeField(null=True)  # when it was first escalated
    version = models.PositiveIntegerField(default=0)

    objects = Within["Incident"](Named("broker"), Holding("id", "alerts_alert", "incident_id", _OF))

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["broker", "kind"], condition=Q(resolved_at=None), name="one_open_incident_per_kind"
            )
        ]
        indexes = [models.Index(fields=["resolved_at", "-opened_at"], name="incidents_by_end")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


class Alert(models.Model):
    """One rule on one subject. Survives restarts; goes with its incident, or when it ends before it fired."""

    class State(models.TextChoices):
        PENDING = "pending", _("holds, not for long enough")
        FIRING = "firing", _("fires")
        RESOLVED = "resolved", _("resolved")

    class Subject(models.TextChoices):
        QUEUE = "queue", _("queue")
        BROKER = "broker", _("broker")
        CONSUMER = "consumer", _("consumer")
        CAUSE = "cause", _("cause")
        PROCESS = "process", _("process")
        APPROVAL = "approval", _("approval")

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="alerts")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, related_name="alerts")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    subject = models.CharField(max_length=10, choices=Subject.choices)
    broker = models.CharField(max_length=60, blank=True)
    vhost = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True)  # a queue's or consumer's; of a cause: its group
    row_id = models.BigIntegerField(null=True)  # the Queue or Consumer; not a foreign key: that row may go
    value = models.FloatField(null=True)  # what was compared when it began to fire
    # What is said of it, worded when shown: {"reasons": [...]} of a queue or broker, {"state": ...}, ...
    params = models.JSONField(default=dict)
    since = models.DateTimeField()  # since when the condition holds
    firing_at = models.DateTimeField(null=True)
    fine_since = models.DateTimeField(null=True)  # while it fires: since when it is fine again
    resolved_at = models.DateTimeField(null=True)

    objects = Within["Alert"](*_OF)

    class Meta:
        ordering = ["-since", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject", "broker", "vhost", "name"],
                condition=~Q(state="resolved"),
                name="one_open_alert_per_subject",
            )
        ]
        indexes = [models.Index(fields=["incident", "state"], name="alerts_of_incident")]

    def __str__(self) -> str:
        return f"{self.subject} {self.name or self.broker}: {self.state}"


class Delivery(models.Model):
    """The outbox: one message to one channel, written with the decision to send it, kept as history."""

    class What(models.TextChoices):
        OPENED = "opened", _("opened")
        GROWN = "grown", _("got worse")
        REPEATED = "repeated", _("repeated")
        ESCALATED = "escalated", _("escalated")
        RESOLVED = "resolved", _("resolved")
        TEST = "test", _("test")

    class State(models.TextChoices):
        DUE = "due", _("waits to be sent")  # also between two attempts: `answer` says why the last one failed
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("given up")

    OPEN = (State.DUE, State.SENDING)

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.SET_NULL, null=True, related_name="deliveries")
    channel_name = models.CharField(max_length=80)
    what = models.CharField(max_length=10, choices=What.choices)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    alerts = models.PositiveIntegerField(default=0)  # how many it speaks of
    title = models.CharField(max_length=300)
    text = models.TextField()
    payload = models.JSONField(default=dict)  # what a webhook gets
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    made_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(null=True)  # not before
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=100, blank=True)
    ended_at = models.DateTimeField(null=True)  # sent, or given up
    answer = models.CharField(max_length=1000, blank=True)  # what the service said, secrets taken out

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["state", "next_at"],
                name="deliveries_open",
                condition=Q(state__in=["due", "sending"]),
            ),
            models.Index(fields=["made_at"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.what} to {self.channel_name}: {self.state}"


class Silence(models.Model):
    """A while in which nothing is told of what it covers; begun later, it is a maintenance window."""

    broker = models.CharField(max_length=60, blank=True)
    queues = models.CharField(max_length=1000, blank=True)
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, null=True, blank=True, related_name="silences")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=150)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-ends_at", "-id"]

    def __str__(self) -> str:
        return self.reason
