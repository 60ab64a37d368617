"""The colours of consumers, their processes and what became of messages."""

from __future__ import annotations

from mqadmin.core.tones import Tone

# By `state_words.State` of a consumer.
CONSUMER: dict[str, Tone] = {
    "running": "green",
    "starting": "blue",
    "restarting": "blue",
    "off_hours": "grey",
    "waiting": "amber",
    "pausing": "blue",
    "paused": "blue",
    "stopping": "blue",
    "stopped": "grey",
    "backoff": "amber",
    "failed": "red",
    "lost": "red",
    "unplaced": "red",
    "unsupervised": "red",
}
# By `ConsumerProcess.State`.
PROCESS: dict[str, Tone] = {
    "starting": "blue",
    "connecting": "blue",
    "running": "green",
    "paused": "blue",
    "draining": "blue",
    "waiting": "amber",
    "stopped": "grey",
    "backoff": "amber",
    "failed": "red",
    "lost": "red",
}
# By `Record.Outcome`, and by the outcomes of a trial, which has two more.
OUTCOME: dict[str, Tone] = {
    "acked": "green",
    "retried": "amber",
    "dead_lettered": "red",
    "duplicate": "grey",
    "released": "grey",
    "timed_out": "red",
    "crashed": "red",
    "not_run": "grey",
}
# By `ConsumerEvent.kind`; of any other: grey.
EVENT: dict[str, Tone] = {
    "connected": "green",
    "unblocked": "green",
    "started": "green",
    "asked": "blue",
    "redeliver": "blue",
    "blocked": "amber",
    "disconnected": "amber",
    "unsubscribed": "amber",
    "held_too_long": "amber",
    "parked": "amber",
    "copy_refused": "amber",
    "overdue": "amber",
    "recycled": "amber",
    "memory": "amber",
    "displaced": "amber",
    "gave_up": "amber",
    "not_scaled": "amber",
    "scaled": "blue",
    "adopted": "blue",
    "lost": "red",
    "crashed": "red",
    "killed": "red",
    "failed": "red",
    "configuration": "red",
}
