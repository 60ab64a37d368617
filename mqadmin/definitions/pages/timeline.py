"""Versions in words: what changed in each, who did it, and how the watch goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.models import Version, Watch
from mqadmin.definitions.pages import words
from mqadmin.queues.pages.broker_status import fault as words_of_fault

SENTENCES = 3
TONES: dict[str, Tone] = {"added": "green", "gone": "red", "changed": "amber"}


@dataclass(frozen=True)
class Told:
    """One object that differs, as a list shows it."""

    how: str
    tone: Tone
    kind: str
    name: str
    vhost: str


@dataclass(frozen=True)
class Row:
    """A version as the list shows it. `totals`: "2 added, 1 gone"; `first`: it is the oldest, all is new in it."""

    version: Version
    totals: str
    told: list[Told]
    more: int
    who: list[str]
    is_first: bool
    tone: Tone


def rows(versions: Iterable[Version]) -> list[Row]:
    """Return the versions in words."""
    return [_row(version) for version in versions]


def _row(version: Version) -> Row:
    told = [
        told_of(how, Key(kind, vhost, tuple(parts))) for how, kind, vhost, parts in version.told[:SENTENCES]
    ]
    count = sum(version.changed.values())
    is_first = version.since is None
    tone: Tone = "grey" if is_first or not count else "red" if version.changed.get("gone") else "blue"
    return Row(
        version,
        summary(version),
        told,
        count - len(told),
        words.names(version.who),
        is_first,
        tone,
    )


def summary(version: Version) -> str:
    """Return what is different in a version, as a heading."""
    if version.since is None:
        return words.kinds_counted(version.counts) or _("nothing is defined")
    if not any(version.changed.values()):
        return _("nothing: RabbitMQ %(version)s tells it in other words") % {
            "version": version.rabbitmq_version
        }
    return words.totals(version.changed)


def told_of(how: str, key: Key) -> Told:
    """Return one object that differs."""
    return Told(
        words.how(how),
        TONES[how],
        words.kind(key.kind),
        key.name,
        key.vhost if key.parts != (key.vhost,) else "",
    )


@dataclass(frozen=True)
class State:
    """How the watch goes. `title` and `text` are empty while it goes well; `notes`: what is not kept. `heard`:
    how it is known who changed what, `how`: what to do to know more, a command in it."""

    watch: Watch | None
    title: str
    text: str
    detail: str
    notes: list[str]
    heard: str
    how: str


def state(broker: str) -> State:
    """Return how the watch over a broker's definitions goes."""
    watch = Watch.objects.filter(broker=broker).first()
    title = text = detail = ""
    if watch is not None and watch.fault:
        title, text = words_of_fault(watch.fault_code)
        detail = watch.fault
        if watch.fault_code in ("tag_missing", "access_refused"):
            title = _("The broker's user may not see definitions")
            text = _("RabbitMQ shows them to users with the tag “administrator” alone.")
    elif not settings.MQADMIN_DEFINITIONS_SECONDS:
        title = _("Nothing is kept")
        text = _("MQADMIN_DEFINITIONS_SECONDS is 0: the monitor does not ask for definitions.")
    heard, how = hearing(watch)
    return State(watch, title, text, detail, _notes(watch), heard, how)


ENABLE = "rabbitmq-plugins enable rabbitmq_event_exchange"


def hearing(watch: Watch | None) -> tuple[str, str]:
    """Return how it is known who changed what, and what to do to know more; both "" where it was not tried yet."""
    if watch is None:
        return "", ""
    if watch.listening_since is not None:
        return _("Who changes what is told by RabbitMQ's event exchange, at once."), ""
    if watch.deaf == "plugin_missing":
        text = _(
            "Who did it is known of what was done in mqadmin alone, and changes are seen once a minute. With "
            "RabbitMQ's own plugin for events each is seen within seconds, with the broker's user who made it. "
            "On each node of the cluster:"
        )
        return text, ENABLE
    if watch.deaf:
        text = _(
            "RabbitMQ's event exchange cannot be listened to: %(why)s The user that mqadmin signs in as needs all "
            "three permissions in the virtual host of amq.rabbitmq.event."
        )
        return text % {"why": watch.deaf_text}, ""
    return "", ""


def _notes(watch: Watch | None) -> list[str]:
    if watch is None or not watch.passing:
        return []
    text = ngettext(
        "%(n)s object comes and goes with clients and is not kept: queues that are auto-delete, server-named or "
        "expire, auto-delete exchanges, and their bindings.",
        "%(n)s objects come and go with clients and are not kept: queues that are auto-delete, server-named or "
        "expire, auto-delete exchanges, and their bindings.",
        watch.passing,
    )
    return [text % {"n": number(watch.passing)}]
