"""The colours of alerts."""

from __future__ import annotations

from mqadmin.alerts.models import Delivery, Severity
from mqadmin.core.tones import Tone

SEVERITY: dict[int, Tone] = {Severity.CRITICAL: "red", Severity.WARNING: "amber", Severity.INFO: "blue"}
# By `Delivery.state`.
DELIVERY: dict[str, Tone] = {
    Delivery.State.DUE: "amber",
    Delivery.State.SENDING: "blue",
    Delivery.State.SENT: "green",
    Delivery.State.FAILED: "red",
}
