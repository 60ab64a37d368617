"""Acts that wait, without anybody who asked for them here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from mqadmin.approvals.models import Approval


def make_approval(**values: Any) -> Approval:
    """Create an act that waits for a day."""
    given = {
        "act": "dead_letters.discard",
        "needs": "operate",
        "broker": "default",
        "summary": "Discard 6 letters",
        "arguments": {"selection": {"broker": "default", "ids": []}},
        "messages": 6,
        "asked_by": "ann",
        "via": "web",
        "expires_at": timezone.now() + timedelta(days=1),
        "foretold": [{"level": "tells", "text": "They leave the inbox but stay stored."}],
    }
    return Approval.objects.create(**given | values)
