"""What holds for a queue: its own settings, then the newest rule; mutes that are over hold no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mqadmin.queues.standing.effective import Rule, Settings, holds

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER, BEFORE = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
NEW, OLD = Rule("new", "ann", owner="team-b"), Rule("old", "bob", owner="team-a", thresholds={"ready": 5})
MUTES, WAS_MUTED = Rule("m", "ann", muted_until=LATER), Rule("w", "bob", muted_until=BEFORE)


@pytest.mark.parametrize(
    ("settings", "rules", "expected"),
    [
        (Settings(), [], {}),
        (Settings(), [NEW, OLD], {"owner": "team-b", "thresholds": {"ready": 5}}),
        (Settings("me", own=("owner",)), [NEW], {"owner": "me", "own": ("owner",)}),
        (Settings("", own=("owner",)), [NEW], {"owner": "", "own": ("owner",)}),
        (Settings("team-b"), [], {"owner": ""}),  # a rule said it that is no more
        (Settings(thresholds={"ready": 1}, own=("thresholds",)), [OLD], {"thresholds": {"ready": 1}}),
        (Settings(thresholds={"ready": 1}), [Rule("none", "ann", thresholds={})], {"thresholds": {}}),
        (Settings(), [WAS_MUTED, MUTES], {"muted_until": LATER, "muted_by": "ann (m)"}),
        (Settings(muted_until=BEFORE, muted_by="ann"), [WAS_MUTED], {"muted_until": None, "muted_by": ""}),
        (Settings(muted_until=None, own=("mute",)), [MUTES], {"muted_until": None}),
        (Settings(muted_until=LATER, muted_by="bob", own=("mute",)), [], {"muted_until": LATER, "muted_by": "bob"}),
        # A mute of its own that is over leaves the word to the rules again.
        (Settings(muted_until=BEFORE, own=("mute", "owner")), [MUTES], {"muted_until": LATER, "own": ("owner",)}),
    ],
)  # fmt: skip
def test_what_holds(settings: Settings, rules: list[Rule], expected: dict[str, Any]) -> None:
    found = holds(settings, rules, NOW)
    assert {name: getattr(found, name) for name in expected} == expected
    assert holds(found, rules, NOW) == found  # to ask again changes nothing
