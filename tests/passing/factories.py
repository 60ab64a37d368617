"""Taps and what they saw, as rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from mqadmin.passing.models import Seen, Tap


def make_tap(**values: Any) -> Tap:
    """Return a tap, over since a moment ago."""
    now = timezone.now()
    ended = {"state": Tap.State.ENDED, "ended_at": now, "ends_at": now}
    given = {
        "broker": "default",
        "vhost": "/",
        "kind": "queue",
        "name": "orders",
        "rate": 20,
        "created_by": "ann",
    }
    return Tap.objects.create(**{**given, **ended, **values})


def make_seen(tap: Tap | None = None, **values: Any) -> Seen:
    """Return a message that a tap saw."""
    given = {
        "at": timezone.now() - timedelta(seconds=5),
        "exchange": "shop",
        "routing_key": "order.new",
        "message_id": "A-17",
        "body": b'{"total": 12}',
        "size": 13,
        "properties": {"message_id": "A-17", "content_type": "application/json"},
        "headers": {"tenant": "acme"},
    }
    return Seen.objects.create(tap=tap or make_tap(kept=1), **{**given, **values})
