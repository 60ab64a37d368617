"""The rules that are there from the first start. What a person changes of one is kept."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop

from mqadmin.alerts.models import Rule, Severity

_A = Rule.About
MINUTE, HOUR = 60, 3600

# Verdicts of level `watch` that somebody should know of before they are worse; the others are for pages alone.
WATCHED_QUEUES = [
    "nearly_full",
    "full",
    "losing",
    "blocked",
    "growing",
    "stalled",
    "redelivered",
    "few_consumers",
    "hoarding",
    "no_collector",
    "members_away",
    "members_behind",
    "readers_behind",
    "silent",
    "producer_stopped",
    "too_many_ready",
    "too_many_unacked",
]
WATCHED_BROKERS = [
    "memory_near",
    "disk_near",
    "descriptors_near",
    "sockets_near",
    "processes_near",
    "publishers_slowed",
    "many_channels",
    "connections_growing",
    "channels_growing",
    "connections_churn",
    "channels_churn",
    "unroutable_dropped",
]

RULES: dict[str, dict[str, Any]] = {
    "broker_away": {
        "name": gettext_noop("A broker does not answer"),
        "about": _A.BROKER_AWAY,
        "for_s": MINUTE,
        "clear_s": 30,
        "severity": Severity.CRITICAL,
        "repeat_s": HOUR,
    },
    "broker_broken": {
        "name": gettext_noop("A broker is in trouble"),
        "about": _A.BROKER_REASON,
        "level": "broken",
        "for_s": 30,
        "severity": Severity.CRITICAL,
        "repeat_s": HOUR,
    },
    "broker_watch": {
        "name": gettext_noop("A broker needs a look"),
        "about": _A.BROKER_REASON,
        "level": "watch",
        "codes": WATCHED_BROKERS,
        "for_s": 10 * MINUTE,
        "clear_s": 5 * MINUTE,
    },
    "queue_broken": {
        "name": gettext_noop("A queue is broken"),
        "about": _A.VERDICT,
        "level": "broken",
        "for_s": MINUTE,
        "severity": Severity.CRITICAL,
        "repeat_s": HOUR,
    },
    "queue_watch": {
        "name": gettext_noop("A queue needs a look"),
        "about": _A.VERDICT,
        "level": "watch",
        "codes": WATCHED_QUEUES,
        "for_s": 10 * MINUTE,
        "clear_s": 5 * MINUTE,
    },
    "lag": {
        "name": gettext_noop("Messages wait too long"),
        "about": _A.LAG,
        "value": 15 * MINUTE,
        "clear_value": 10 * MINUTE,
        "for_s": 2 * MINUTE,
        "clear_s": 2 * MINUTE,
    },
    "letters": {
        "name": gettext_noop("Many dead letters arrive"),
        "about": _A.LETTERS,
        "value": 20,
        "clear_value": 5,
        "window_s": 10 * MINUTE,
        "for_s": 0,
        "clear_s": 5 * MINUTE,
    },
    "new_cause": {
        "name": gettext_noop("Messages die of a new cause"),
        "about": _A.NEW_CAUSE,
        "window_s": HOUR,
        "for_s": 0,
        "clear_s": 0,
        "repeat_s": 0,
    },
    "consumer_failed": {
        "name": gettext_noop("A consumer does not run"),
        "about": _A.CONSUMER,
        "codes": ["failed", "lost", "unsupervised", "unplaced"],
        "for_s": MINUTE,
        "severity": Severity.CRITICAL,
        "repeat_s": HOUR,
    },
    "consumer_backoff": {
        "name": gettext_noop("A consumer keeps crashing"),
        "about": _A.CONSUMER,
        "codes": ["backoff"],
        "for_s": 2 * MINUTE,
        "clear_s": 2 * MINUTE,
    },
    "process_away": {
        "name": gettext_noop("A process of mqadmin is away"),
        "about": _A.PROCESS_AWAY,
        "for_s": 2 * MINUTE,
        "severity": Severity.WARNING,
    },
    # The overview says so to who may agree; switched on, channels do too.
    "approval_waits": {
        "name": gettext_noop("An act waits for a second person"),
        "about": _A.APPROVAL,
        "codes": ["waiting"],
        "is_on": False,
        "for_s": 0,
        "clear_s": 0,
    },
    "approval_alone": {
        "name": gettext_noop("A large act went ahead without a second person"),
        "about": _A.APPROVAL,
        "codes": ["alone"],
        "window_s": HOUR,
        "for_s": 0,
        "clear_s": 0,
        "repeat_s": 0,
        "severity": Severity.CRITICAL,
    },
}


def ensure() -> int:
    """Make the rules that are not there, and bring those that nobody changed up to date; returns how many."""
    present = {rule.built_in: rule for rule in Rule.objects.exclude(built_in="")}
    missing = [Rule(built_in=key, **values) for key, values in RULES.items() if key not in present]
    made = len(Rule.objects.bulk_create(missing, ignore_conflicts=True)) if missing else 0
    for key, values in RULES.items():
        rule = present.get(key)
        if rule is None or rule.changed_by:
            continue
        now = {name: value for name, value in values.items() if getattr(rule, name) != value}
        if now:
            made += Rule.objects.filter(pk=rule.pk, changed_by="").update(**now)
    return made
