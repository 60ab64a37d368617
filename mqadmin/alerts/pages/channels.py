"""Channels as pages and API show them: whether each can send, what it sent and what failed last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.alerts.acts import state
from mqadmin.alerts.models import Channel, Delivery, Severity
from mqadmin.alerts.pages.incidents import clock
from mqadmin.alerts.rules import variables
from mqadmin.core.hooks import Attention, Link
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration
from mqadmin.core.tones import Tone

# What to write into the environment of the monitor and the web processes, by service.
EXAMPLES = (
    (
        gettext_lazy("E-mail"),
        "MQADMIN_ALERT_MAIL=mailtos://USER:PASSWORD@smtp.example.com?to=ops@example.com",
    ),
    (gettext_lazy("Slack"), "MQADMIN_ALERT_SLACK=slack://TOKEN_A/TOKEN_B/TOKEN_C/#alerts"),
    (
        gettext_lazy("Webhook"),
        "MQADMIN_ALERT_HOOK=https://hooks.example.com/mqadmin MQADMIN_ALERT_HOOK_SECRET=LONG_AND_RANDOM",
    ),
)


@dataclass(frozen=True)
class Row:
    """One channel. `missing`: variables that this process does not have; the monitor may have them."""

    channel: Channel
    missing: list[str]
    sent: Delivery | None = None
    failed: Delivery | None = None  # the last one that was given up, or whose last attempt failed

    @property
    def is_failing(self) -> bool:
        """Whether the last thing that happened to it is a failure."""
        return self.failed is not None and (self.sent is None or self.failed.pk > self.sent.pk)

    @property
    def tone(self) -> Tone:
        if not self.channel.is_on:
            return "grey"
        return "red" if self.is_failing else "amber" if self.missing else "green"

    @property
    def state(self) -> str:
        """What the coloured point means."""
        words = {
            "grey": _("off"),
            "red": _("the last message failed"),
            "amber": _("variable not set"),
            "green": _("on"),
        }
        return words[self.tone]

    @property
    def words(self) -> list[str]:
        """What it is told of, and when, a sentence each."""
        return sentences(self.channel)


def sentences(channel: Channel) -> list[str]:
    """Return what a channel is told of, when, and when not. Pure."""
    told = [_("Told of %(severity)s and worse") % {"severity": channel.get_severity_display()}]
    if channel.severity == Severity.INFO:
        told = [_("Told of everything")]
    elif channel.severity == Severity.CRITICAL:
        told = [_("Told only of what is critical")]
    if channel.queues:
        told.append(_("among the queues “%(filter)s”") % {"filter": channel.queues})
    if channel.broker:
        told.append(_("on %(broker)s") % {"broker": channel.broker})
    found = [prose.sentence_of(told)]
    if channel.after_minutes:
        text = _("Only of what nobody acknowledged for %(time)s.")
        found.append(text % {"time": duration(channel.after_minutes * 60)})
    if channel.quiet_from and channel.quiet_until:
        text = _("Quiet from %(begins)s to %(ends)s%(zone)s, but for %(severity)s and worse.")
        if channel.quiet_severity == Severity.CRITICAL:
            text = _("Quiet from %(begins)s to %(ends)s%(zone)s, but for what is critical.")
        zone = f" {channel.time_zone}" if channel.time_zone else ""
        hours = {
            "begins": f"{channel.quiet_from:%H:%M}",
            "ends": f"{channel.quiet_until:%H:%M}",
            "zone": zone,
        }
        found.append(text % {**hours, "severity": channel.get_quiet_severity_display()})
    return found


def missing(channel: Channel) -> list[str]:
    """Return the variables of a channel that this process does not have."""
    names = [channel.variable]
    if channel.kind == Channel.Kind.WEBHOOK:
        names.append(channel.secret_variable)
    return [name for name in names if not variables.is_set(name)]


def rows(channels: QuerySet[Channel] | None = None) -> list[Row]:
    """Return what is shown of channels, of all by default; two reads however many there are."""
    known = Channel.objects.all() if channels is None else channels
    tried = Q(state__in=Delivery.OPEN, attempts__gt=0) & ~Q(answer="")
    found = list(
        known.annotate(
            sent_id=_newest(Q(state=Delivery.State.SENT)),
            failed_id=_newest(Q(state=Delivery.State.FAILED) | tried),
        )
    )
    ids = [pk for item in found for pk in (item.sent_id, item.failed_id) if pk is not None]
    deliveries = Delivery.objects.filter(pk__in=ids).defer("text", "payload").in_bulk()
    return [
        Row(item, missing(item), deliveries.get(item.sent_id or 0), deliveries.get(item.failed_id or 0))
        for item in found
    ]


def _newest(which: Q) -> Subquery:
    """The newest message to each channel that is `which`: read back from the end of the channel's own."""
    mine = Delivery.objects.filter(which, channel=OuterRef("pk")).order_by("-id")
    return Subquery(mine.values("pk")[:1])


def notes(found: list[Row] | None = None) -> list[Attention]:
    """Return what keeps messages from leaving: nobody evaluates rules, a channel fails or has no address."""
    shown = rows() if found is None else found
    noted = [*_engine()]
    for row in shown:
        if row.channel.is_on and (row.is_failing or row.missing):
            noted.append(_channel(row))
    return noted


def _engine() -> Iterable[Attention]:
    engine = state.engine()
    if engine.is_on or not engine.channels:
        return
    since = _(" since %(at)s") % {"at": clock(engine.until)} if engine.until else ""
    yield Attention(
        "broken",
        _("No rule is looked at%(since)s") % {"since": since},
        _("The monitor does that, and it does not run. What stands here may be old, and nobody is told."),
        is_ours=True,
    )


def _channel(row: Row) -> Attention:
    name = row.channel.name
    look = Link(_("Look at the channel"), reverse("channel_list"))
    if row.is_failing and row.failed is not None:
        title = _("Messages to %(name)s do not arrive") % {"name": name}
        at = clock(row.failed.ended_at or row.failed.made_at)
        text = _("The last one failed at %(at)s: %(answer)s") % {"at": at, "answer": row.failed.answer}
        return Attention("broken", title, text, [look], is_ours=True)
    title = _("%(name)s may have no address") % {"name": name}
    text = _("%(variables)s is not set in the web process. The monitor sends, and must have it.")
    return Attention("watch", title, text % {"variables": ", ".join(row.missing)}, [look], is_ours=True)
