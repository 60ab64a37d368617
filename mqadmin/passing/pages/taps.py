"""Taps and what they saw, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.administration.listed import naming
from mqadmin.core.tones import Tone
from mqadmin.passing.models import Seen, Tap
from mqadmin.passing.tapping import words
from mqadmin.queues.models import Queue
from mqadmin.rabbit.message import from_json
from mqadmin.rabbit.reading.display import display_text

_TONES: dict[str, Tone] = {"waiting": "blue", "running": "green", "ended": "grey"}
SHOWN = 100  # rows of the live table
BODY_CHARACTERS = 20_000


@dataclass(frozen=True)
class TapRow:
    """A tap with its words."""

    tap: Tap
    tone: Tone
    state: str
    ended: str
    notes: list[str]
    href: str  # of what it is on, "" where that has no page

    @property
    def name(self) -> str:
        """What it is on."""
        return called(self.tap)


def called(tap: Tap) -> str:
    """Return the name of what a tap is on."""
    return tap.name or _("the default exchange")


def row(tap: Tap) -> TapRow:
    """Return a tap with its words; reads the row of its queue."""
    state = _("stopping") if tap.is_open and tap.is_stopping else tap.get_state_display()
    return TapRow(tap, _TONES[tap.state], str(state), words.ended(tap), words.notes(tap.notes), _href(tap))


def _href(tap: Tap) -> str:
    if tap.kind == Tap.Kind.EXCHANGE:
        return naming.address("exchange_detail", tap.broker, vhost=tap.vhost, name=tap.name)
    found = Queue.objects.filter(broker__slug=tap.broker, vhost=tap.vhost, name=tap.name).only("pk").first()
    return "" if found is None else reverse("queue_detail", args=[found.pk])


@dataclass(frozen=True)
class Shown:
    """One message: its body as text, what the body was, its tables."""

    message: Seen
    text: str
    kind: str
    properties: list[tuple[str, Any]]
    headers: list[tuple[str, Any]]


def shown(message: Seen) -> Shown:
    """Return a message for a person; bodies and headers are hostile, nothing here raises for them."""
    kind, encoding = (message.properties.get(name) for name in ("content_type", "content_encoding"))
    text, what = display_text(
        bytes(message.body),
        kind if isinstance(kind, str) else None,
        encoding if isinstance(encoding, str) else None,
        max_characters=BODY_CHARACTERS,
    )
    properties = [
        (name, _moment(value) if name == "timestamp" else value) for name, value in message.properties.items()
    ]
    return Shown(message, text, what, properties, sorted(_table(message.headers)))


def _table(stored: Any) -> list[tuple[str, str]]:
    try:
        table = from_json(stored) or {}
    except ValueError:
        table = stored
    return [(str(name), _said(value)) for name, value in table.items()]


def _said(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _moment(seconds: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC ({seconds})"
    except (TypeError, ValueError, OverflowError, OSError):
        return str(seconds)
