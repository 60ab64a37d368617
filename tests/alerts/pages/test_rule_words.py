"""Rules in words. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.alerts.models import Rule
from mqadmin.alerts.pages import rule_words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"about": "verdict", "level": "broken"}, "A queue is broken, for 1 min."),
        (
            {"about": "verdict", "level": "watch", "codes": ["nearly_full", "full"], "for_s": 0},
            "A queue needs a look, or is broken (nearly full, full).",
        ),
        (
            {"about": "number", "field": "ready", "value": 1000.0, "queues": "vhost:prod", "broker": "eu"},
            "A queue's ready messages: above 1 000 messages, among the queues “vhost:prod”, on eu, for 1 min.",
        ),
        (
            {"about": "rate", "field": "ack_rate", "operator": "below", "value": 2.5},
            "A queue's acks: below 2.5 /s, for 1 min.",
        ),
        (
            {"about": "number", "field": "memory", "value": 2.0**30},
            "A queue's memory: above 1.0 GB, for 1 min.",
        ),
        (
            {"about": "lag", "value": 900.0},
            "The oldest message of a queue waits longer than 15 min, for 1 min.",
        ),
        (
            {"about": "letters", "value": 20.0, "window_s": 600, "for_s": 0},
            "More than 20 dead letters arrive within 10 min.",
        ),
        (
            {"about": "consumer", "codes": ["failed", "lost"]},
            "The state of a consumer is failed or lost, for 1 min.",
        ),
        ({"about": "made by a newer version"}, "made by a newer version, for 1 min."),
    ],
)
def test_when_it_fires(values: dict[str, Any], words: str) -> None:
    assert rule_words.sentence(Rule(**values)).replace("\u00a0", " ") == words


def test_when_it_ends_and_is_told_again() -> None:
    rule = Rule(about="lag", value=900.0, clear_value=600.0, clear_s=120, repeat_s=3600)
    assert rule_words.aftermath(rule) == "Resolved after 2 min below 10 min. Repeated every 1 h."
    new = Rule(about="new_cause", window_s=3600, clear_s=0, repeat_s=0)
    assert rule_words.aftermath(new) == "Resolved once none of its letters came for 1 h."
