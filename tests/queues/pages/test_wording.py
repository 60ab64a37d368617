"""Every verdict in words: what, since when, why, what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mqadmin.queues import health
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import wording

NOW = 1_800_000_000
QUEUE = Queue(
    pk=7, broker=Broker(slug="default"), name="orders", vhost="/", ready=40, publish_rate=12.0, consumers=2
)

SAID = {
    "growing": (
        {"rate": 40.0, "full_in": 1200, "full_at": NOW + 1200, "limit": 20_000, "unit": "messages"},
        r"Backlog growing 40/s since .+\. Full at .+, at its limit of 20.000\.",
    ),
    "losing": (
        {"how": "expired", "rate": 12.0, "percent": 60, "at_least": True, "kept": False},
        r"At least 12/s expire before anybody takes them: 60 % of what arrives\. They are lost\.",
    ),
    "slow_consumers": (
        {"consumers": 2, "unacked": 20, "more": 3, "ms": 250.0, "busy": 97},
        r"Its 2 consumers are too slow, 250 ms for each message: needs 3 more consumers\.",
    ),
    "no_room": (
        {"consumers": 1, "unacked": 1},
        r"Its consumer has no room: it holds all that its prefetch lets it\.",
    ),
    "hoarding": (
        {"consumers": 1, "unacked": 900, "rate": 20.0},
        r"Its consumers take all .+ hold 900, 20/s more\.",
    ),
    "silent": ({"usual": 0}, r"Nothing arrived since .+: at this hour a pause is usually 1 min at most\."),
    "producer_stopped": (
        {"steady": 7259, "consumers": 1},
        r"Nothing arrived since .+, after 2 h without a pause: .+",
    ),
    "draining": ({"seconds": 720}, r"Clear in 12 min\."),
    "full": (
        {"limit": 2048, "unit": "bytes", "percent": 99, "refuses": True},
        r"Full at its limit of 2.0.kB: .+",
    ),
    "few_consumers": ({"consumers": 1, "wanted": 2}, r"1 of at least 2 consumers since .+\."),
    "leader_moved": ({"before": "a", "now": "b"}, r"Led from b since .+, from a before\."),
    "members_behind": (
        {"behind": [["b", 5000]], "members": 3, "spare": 0},
        r"A member lags since .+: b\. 2 of 3 members know everything, as few as it needs: .+",
    ),
    "made_anew": ({"by": "type"}, r"Made anew since .+, as a queue of another type\."),
    "readers_behind": (
        {"readers": 2, "each": 6.0, "rate": 4.0},
        r"Its readers fall behind by 4.0/s since .+",
    ),
    "too_many_ready": ({"ready": 60, "limit": 50}, r"60 are ready, more than the 50 set for it since .+\."),
    "too_many_unacked": (
        {"unacked": 60, "limit": 50},
        r"60 are unacked, more than the 50 set for it since .+\.",
    ),
}
# As they were written before `since` stood beside them.
OLD = {
    "growing": {"since": NOW, "rate": 40.0, "full_in": 600, "limit": 20_000},
    "no_consumers": {"since": NOW, "waiting": 3, "had": 1},
    "stalled": {"since": NOW, "unacked": 3},
    "idle": {"since": NOW},
    "full_prefetch": {"consumers": 2, "unacked": 9},
    "full": {"limit": 100, "percent": 100, "refuses": False},
}


@pytest.mark.parametrize("code", SAID)
def test_what_is_said(code: str) -> None:
    params, pattern = SAID[code]
    QUEUE.health_reasons = [{"code": code, "level": "watch", "params": params, "since": NOW}]
    (told,) = wording.told(QUEUE)
    assert re.fullmatch(pattern, told.sentence), told.sentence
    assert told.since_at == NOW
    assert "%" not in wording.headline("orders", QUEUE.health_reasons)


@pytest.mark.parametrize("code", OLD)
def test_rows_of_older_versions_are_shown(code: str) -> None:
    QUEUE.health_reasons = [{"code": code, "level": "watch", "params": OLD[code]}]
    (told,) = wording.told(QUEUE)
    assert told.sentence != code
    assert told.since_at == OLD[code].get("since")


def test_every_code_that_a_rule_gives_has_its_words_and_each_trouble_its_advice() -> None:
    source = "".join(path.read_text() for path in Path(str(health.__file__)).parent.glob("*.py"))
    troubles = set(re.findall(r'reason\(\s*(?:WATCH|BROKEN)\w*, "(\w+)"', source))
    codes = troubles | set(re.findall(r'reason\([^"()]*, "(\w+)"', source))
    assert {"growing", "losing", "idle", "leader_moved"} <= codes
    assert codes <= wording.TABLE.keys()
    assert [code for code in troubles if not wording.TABLE[code].advice] == []


def test_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    QUEUE.health_reasons = [{"code": "haunted", "level": "watch", "params": {}}]
    assert [told.sentence for told in wording.told(QUEUE)] == ["haunted"]
