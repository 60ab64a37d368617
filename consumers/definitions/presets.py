"""Settings that go together, for what operators mean most often. A preset fills the form; it is not stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consumers.definitions.definitions import FIELDS
from consumers.models import Consumer

# What says which messages, where, and when: a preset leaves these as they are.
KEPT = frozenset(
    {
        "broker",
        "vhost",
        "queue",
        "handler",
        "options",
        "placement",
        "schedule",
        "memory_limit_mb",
        "stop_seconds",
        "consumer_priority",
        "body_cap",
    }
)


@dataclass(frozen=True)
class Preset:
    """`own`: field -> value, where it differs from the defaults."""

    name: str
    title: str | Promise
    about: str | Promise
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Any]:
        """All fields that it sets: those that it says nothing of go back to their defaults."""
        blank = Consumer()
        return {name: getattr(blank, name) for name in FIELDS if name not in KEPT} | dict(self.own)


ALL = (
    Preset(
        "steady",
        _("Several at a time, none lost"),
        _(
            "Two processes of four threads. What fails is tried five more times; a service that is down, for hours."
        ),
        {
            "replicas": 2,
            "concurrency": 4,
            "prefetch": 20,
            "retry_attempts": 5,
            "retry_first_delay": 10.0,
            "retry_max_delay": 600.0,
            "connection_retries": 30,
            "connection_delay": 10.0,
        },
    ),
    Preset(
        "once",
        _("Each message once, slowly"),
        _(
            "One process on all hosts, one message at a time; one that comes twice is known by its message id."
        ),
        {
            "single": True,
            "prefetch": 1,
            "retry_attempts": 3,
            "retry_first_delay": 10.0,
            "dedupe_key": Consumer.DedupeKey.MESSAGE_ID.value,
            "dedupe_seconds": 604_800.0,
            "body_capture": Consumer.BodyCapture.ALL.value,
        },
    ),
    Preset(
        "fast",
        _("Fast, at most once"),
        _(
            "RabbitMQ forgets a message as it sends it. A crash loses what was in hand; only failures are recorded."
        ),
        {
            "replicas": 2,
            "concurrency": 8,
            "prefetch": 500,
            "ack": Consumer.AckMode.AUTO.value,
            "records": Consumer.Records.FAILURES.value,
        },
    ),
    Preset(
        "gentle",
        _("Gentle to a service that may be down"),
        _(
            "Ten messages a second, with a deadline; a service that cannot be reached is waited for, for a day."
        ),
        {
            "concurrency": 2,
            "prefetch": 4,
            "rate_limit": 10.0,
            "timeout_seconds": 60.0,
            "retry_attempts": 5,
            "retry_first_delay": 30.0,
            "retry_max_delay": 3_600.0,
            "connection_retries": 40,
            "connection_delay": 10.0,
        },
    ),
    Preset(
        "bursts",
        _("Many when it is full, few when it is empty"),
        _("One to eight processes, so that what waits is handled within five minutes."),
        {
            "concurrency": 4,
            "prefetch": 20,
            "autoscale_min": 1,
            "autoscale_max": 8,
            "autoscale_seconds": 300.0,
            "retry_attempts": 5,
            "retry_first_delay": 10.0,
            "retry_max_delay": 600.0,
        },
    ),
)


def get(name: str) -> Preset | None:
    """Return the preset called `name`, None where there is none."""
    return next((preset for preset in ALL if preset.name == name), None)


def fitting(consumer: Consumer) -> Preset | None:
    """Return the preset whose settings a definition has, all of them; None where it has others."""
    return next(
        (
            preset
            for preset in ALL
            if all(getattr(consumer, name) == value for name, value in preset.fields.items())
        ),
        None,
    )
