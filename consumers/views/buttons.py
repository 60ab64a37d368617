"""Which buttons a consumer offers in its state, and what each says that it will do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions.definitions import is_there
from consumers.definitions.validation import MOST_PROCESSES
from consumers.models import Consumer
from consumers.status.summary import Summary
from mqadmin.core import permissions
from mqadmin.core.pages import formats
from mqadmin.core.permissions import Needed
from mqadmin.core.rights import asking
from mqadmin.core.rights.rules import LEVELS

Desired = Consumer.Desired


@dataclass(frozen=True)
class Button:
    """One act. `label` is the word on it, `does` the sentence that says what will happen."""

    name: str
    label: str
    does: str
    icon: str
    href: str
    primary: bool = False
    danger: bool = False
    confirm: str = ""
    typed: str = ""
    needs: Needed = "operate"
    disabled: str = ""


def buttons(summary: Summary) -> list[Button]:
    """Return the acts that make sense now, the most likely first."""
    consumer, state = summary.consumer, summary.status.state
    found: list[Button] = []
    if consumer.desired == Desired.STOPPED:
        found.append(_start(summary, _("Start")))
        if summary.status.live:
            found.append(_kill(summary))
    elif consumer.desired == Desired.PAUSED:
        found += [_resume(summary), _stop(summary)]
    else:
        if state in ("failed", "backoff"):
            found.append(_start(summary, _("Start now")))
        else:
            found.append(_pause(summary))
        found.append(_stop(summary))
    return found


def theirs(found: list[Button], consumer: Consumer) -> list[Button]:
    """Return a row's buttons, those disabled that who asks may not press for this one: in a list each is of another
    queue."""
    who = asking.now()
    if who is None or who.rights.is_plain:
        return found
    level = who.rights.level(consumer.broker, consumer.vhost, consumer.queue)
    return [
        item if level >= LEVELS[item.needs] else replace(item, disabled=permissions.denied(item.needs))
        for item in found
    ]


def more(summary: Summary) -> list[Button]:
    """Return the acts behind the menu."""
    found = []
    if summary.consumer.desired != Desired.STOPPED and summary.status.live:
        found += [*restarts(summary), _redeliver(summary), _kill(summary)]
    found.append(_delete(summary))
    return found


def restarts(summary: Summary) -> list[Button]:
    """Replace the processes, each after it finished what it has in hand: one by one first, then all at once."""
    href = _href("restart", summary)
    if max(summary.status.wanted, summary.status.live) < 2:
        does = _("Replace its process: it finishes what it has in hand, then starts with the newest settings")
        return [Button("restart", _("Restart"), does, "reload", href)]
    one = _("Replace its processes one by one, each once the one before consumes: the others go on meanwhile")
    all_ = _("Replace its processes at the same moment: nothing is consumed until the first is back")
    return [
        Button("restart", _("Restart one after another"), one, "reload", href),
        Button("restart_all", _("Restart all at once"), all_, "refresh", f"{href}?how=all"),
    ]


def scaling(summary: Summary) -> list[Button]:
    """One process less, one more; none where that is not a person's to decide, or may be one only.

    Each says from which number: where somebody has changed that meanwhile, nothing happens.
    """
    consumer = summary.consumer
    if consumer.is_autoscaled or consumer.single or consumer.exclusive:
        return []
    count = consumer.replicas
    less = ngettext(
        "Run %(n)d process: one finishes what it has in hand and ends",
        "Run %(n)d processes: one finishes what it has in hand and ends",
        count - 1,
    ) % {"n": count - 1}
    more = ngettext("Run %(n)d process", "Run %(n)d processes", count + 1) % {"n": count + 1}
    if consumer.desired == Desired.STOPPED:
        later = (
            ngettext("%(n)d process once it is started", "%(n)d processes once it is started", n) % {"n": n}
            for n in (count - 1, count + 1)
        )
        less, more = later
    least = _("One is the least: stop it instead.") if count <= 1 else ""
    most = _("%(n)d is the most.") % {"n": MOST_PROCESSES} if count >= MOST_PROCESSES else ""
    href = f"{_href('scale', summary)}?from={count}&replicas="
    return [
        Button("scale_down", less, less, "minus", f"{href}{count - 1}", disabled=least),
        Button("scale_up", more, more, "plus", f"{href}{count + 1}", disabled=most),
    ]


def _start(summary: Summary, label: str) -> Button:
    count = summary.status.wanted
    does = ngettext("Start %(n)d process", "Start %(n)d processes", count) % {"n": count}
    if summary.status.state in ("failed", "backoff"):
        does = _("Start what is down at once, and forget the earlier crashes")
    return Button("start", label, does, "player-play", _href("start", summary), primary=True)


def _resume(summary: Summary) -> Button:
    return Button(
        "resume", _("Resume"), _("Take messages again"), "player-play", _href("resume", summary), primary=True
    )


def _pause(summary: Summary) -> Button:
    does = _("Take no more messages; finish what is in hand and stay connected")
    return Button("pause", _("Pause"), does, "player-pause", _href("pause", summary))


def _stop(summary: Summary) -> Button:
    does = _("Finish what is in hand, in %(seconds)d s at most, then end") % {
        "seconds": summary.consumer.stop_seconds
    }
    # Its second press is Kill, which asks: one from a page that is late must not kill unasked.
    href = f"{_href('stop', summary)}?from={summary.consumer.desired}"
    return Button("stop", _("Stop"), does, "player-stop", href)


def _redeliver(summary: Summary) -> Button:
    """Give back what waits in hand; what a handler has begun goes on, and its message comes again all the same."""
    count = summary.in_flight
    label = ngettext("Redeliver %(n)s in hand", "Redeliver %(n)s in hand", count) % {
        "n": formats.number(count)
    }
    does = ngettext(
        "Give %(n)s message in hand back to the queue, which delivers it again",
        "Give %(n)s messages in hand back to the queue, which delivers them again",
        count,
    ) % {"n": formats.number(count)}
    ask = _("%(does)s. What a handler has begun may be handled twice. Redeliver?") % {"does": does}
    reason = "" if count else _("Nothing is in hand.")
    if summary.consumer.ack == Consumer.AckMode.AUTO:
        reason = _("RabbitMQ has forgotten what it delivered: messages are acked automatically.")
    elif summary.consumer.is_collector:
        reason = _("A collector stores what it has in hand within a second.")
    return Button(
        "redeliver", label, does, "repeat", _href("redeliver", summary), confirm=ask, disabled=reason
    )


def _kill(summary: Summary) -> Button:
    count = summary.in_flight
    does = ngettext(
        "Kill its processes now: %(n)d message in hand returns to the queue",
        "Kill its processes now: %(n)d messages in hand return to the queue",
        count,
    ) % {"n": count}
    ask = _("%(does)s and may be handled twice. Kill %(name)s?") % {
        "does": does,
        "name": summary.consumer.name,
    }
    href = _href("kill", summary)
    return Button("kill", _("Kill"), does, "skull", href, danger=True, confirm=ask)


def _delete(summary: Summary) -> Button:
    consumer = summary.consumer
    reason = ""
    if consumer.is_collector:
        reason = _("It captures a dead-letter queue: stop tracking that queue instead.")
    elif consumer.desired != Desired.STOPPED or any(is_there(row, timezone.now()) for row in summary.live):
        reason = _("Stop it first.")
    does = _("Delete the definition, its records and its events; the queue and its messages stay")
    return Button(
        "delete",
        _("Delete"),
        does,
        "trash",
        _href("delete", summary),
        danger=True,
        confirm=_("%(does)s. Delete %(name)s?") % {"does": does, "name": consumer.name},
        typed=consumer.name,
        needs="configure",
        disabled=reason,
    )


def _href(name: str, summary: Summary) -> str:
    return reverse(f"consumer_{name}", args=[summary.consumer.name])
