"""The colours of queues and of how a broker is seen."""

from __future__ import annotations

from mqadmin.core.tones import Tone

# By `Queue.health`.
HEALTH: dict[str, Tone] = {
    "broken": "red",
    "watch": "amber",
    "ok": "green",
    "idle": "grey",
    "unknown": "grey",
}
# By `BrokerStatus.level`.
BROKER: dict[str, Tone] = {"ok": "green", "stale": "amber", "down": "red", "never": "grey"}
