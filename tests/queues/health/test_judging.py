"""Verdicts: tables of what a queue went through, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mqadmin.queues.health import facts as health
from mqadmin.queues.health.facts import Handling, QueueFacts
from mqadmin.queues.health.judging import judge, remember
from mqadmin.queues.health.latches import Latch, latched
from mqadmin.queues.health.memory import Memory
from mqadmin.queues.health.thresholds import Limits
from mqadmin.queues.monitor.observing import NOWHERE, Surroundings, queue_facts
from mqadmin.queues.pages import wording
from mqadmin.rabbit.types import QueueInfo
from tests.queues.health.observed import NUMBERS, QUIET, START, STEP, busy, codes, growing, inbox, live


def test_a_working_queue_is_ok_and_says_nothing() -> None:
    verdict, _, _ = live(*[busy(ready=2, unacked=1)] * 30)
    assert (verdict.level, codes(verdict)) == (health.OK, [])


def test_a_queue_without_traffic_is_idle_from_the_first_sample() -> None:
    verdict, _, _ = live(QUIET)
    assert (verdict.level, codes(verdict), verdict.settled) == (health.IDLE, [], True)


def test_a_queue_that_the_broker_calls_idle_is_idle_at_once() -> None:
    verdict, _, _ = live(replace(QUIET, idle_since=START - 5))
    assert (verdict.level, codes(verdict), verdict.settled) == (health.IDLE, ["idle"], True)
    # But one that was seen at work is not, though the broker says idle between two messages.
    verdict, _, _ = live(busy(), *[replace(QUIET, idle_since=START + 2)] * 3)
    assert verdict.level == health.OK


def test_what_waits_for_a_delayed_retry_is_no_emptiness() -> None:
    waiting = replace(QUIET, total=12, delayed=12)
    verdict, _, _ = live(*[waiting] * 30)
    assert (verdict.level, codes(verdict), verdict.clears_in) == (health.OK, ["delayed"], None)
    verdict, _, _ = live(busy(), *[replace(waiting, consumers=0)] * 30)
    assert codes(verdict) == ["no_consumers", "delayed"]
    assert verdict.reasons[0]["params"]["waiting"] == 12


def test_idle_says_since_when_and_only_after_a_minute() -> None:
    traffic, quiet = [busy()] * 3, [replace(QUIET, ack_rate=0.0)]
    assert live(*traffic, *quiet * 5)[0].level == health.OK
    verdict, _, _ = live(*traffic, *quiet * 15)
    assert (verdict.level, codes(verdict)) == (health.IDLE, ["idle"])
    assert START <= verdict.reasons[0]["since"] <= START + 15


def test_numbers_the_broker_did_not_report_are_unknown() -> None:
    verdict, memory, _ = live(QueueFacts(ready=None, unacked=None, total=None, consumers=None))
    assert (verdict.level, codes(verdict)) == (health.UNKNOWN, ["not_reported"])
    assert memory == Memory()


@pytest.mark.parametrize("state", ["down", "crashed", "stopped", "minority"])
def test_a_queue_that_is_down_is_broken(state: str) -> None:
    verdict, _, _ = live(QueueFacts(state=state, ready=None, total=None))
    assert (verdict.level, codes(verdict)) == (health.BROKEN, ["down"])
    assert verdict.reasons[0]["params"] == {"state": state}


@pytest.mark.parametrize(
    ("members", "online", "level", "code", "params"),
    [
        ("abc", "abc", health.IDLE, None, {}),
        ("abc", "ac", health.WATCH, "members_away", {"away": ["b"], "members": 3, "spare": 0}),
        ("abcde", "abcd", health.WATCH, "members_away", {"away": ["e"], "members": 5, "spare": 1}),
        ("abc", "b", health.BROKEN, "down", {"state": "minority", "away": ["a", "c"], "members": 3}),
        ("ab", "a", health.BROKEN, "down", {"state": "minority", "away": ["b"], "members": 2}),
        ("abc", None, health.IDLE, None, {}),  # it does not say who is there
    ],
)
def test_members_that_are_away(
    members: str, online: str | None, level: str, code: str | None, params: dict[str, object]
) -> None:
    """RabbitMQ 3.10 gives a queue no state and no numbers when most of its members are away."""
    there = None if online is None else tuple(online)
    info = QueueInfo("/", "q", "quorum", members=tuple(members), online=there)
    known = not info.lacks_majority
    info = replace(info, state="running" if known else None, **dict.fromkeys(NUMBERS, 0 if known else None))
    facts = queue_facts(info, NOWHERE, tracked=False, around=Surroundings(START))
    verdict, _, _ = live(facts)
    assert (verdict.level, codes(verdict)) == (level, [code] if code else [])
    assert not code or verdict.reasons[0]["params"] == params


def test_who_is_away_is_named_and_how_many_more_may_go() -> None:
    away = {"code": "members_away", "params": {"away": ["b"], "members": 3, "spare": 0}}
    more = {"code": "members_away", "params": {"away": ["b", "e"], "members": 7, "spare": 1}}
    down = {"code": "down", "params": {"state": "minority", "away": ["a", "b"], "members": 3}}
    assert wording.sentences([away, more, down]) == [
        "A member is away: b. 2 of 3 members are there, as few as it needs: without another it serves nobody.",
        "Members are away: b, e. 5 of 7 members are there, and it bears the loss of 1 more.",
        "2 of its 3 members are away (a, b): it serves nobody.",
    ]


def test_consumers_that_left_break_a_queue_that_used_to_have_them() -> None:
    gone = busy(ready=900, consumers=0, deliver_rate=0.0, ack_rate=0.0)
    verdict, _, _ = live(*[busy(consumers=3)] * 3, *[gone] * 8)
    assert verdict.level == health.BROKEN
    assert codes(verdict)[0] == "no_consumers"
    assert (verdict.reasons[0]["since"], verdict.reasons[0]["params"]) == (
        START + 15,
        {"waiting": 900, "had": 3},
    )
    assert verdict.clears_in is None


def test_consumers_that_left_are_no_news_before_half_a_minute_or_in_an_empty_queue() -> None:
    gone = busy(ready=900, consumers=0, deliver_rate=0.0, ack_rate=0.0)
    assert "no_consumers" not in codes(live(busy(), *[gone] * 5)[0])
    empty = replace(gone, ready=0, total=0)
    assert "no_consumers" not in codes(live(busy(), *[empty] * 20)[0])


def test_a_queue_that_nobody_ever_consumed_is_to_be_watched() -> None:
    verdict, _, _ = live(*[QueueFacts(ready=5, total=5, consumers=0)] * 8)
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["never_consumed"])


def test_a_consumer_that_comes_and_goes_does_not_flap_the_verdict() -> None:
    here, away = busy(ready=40), busy(ready=40, consumers=0)
    memory, now, seen = Memory(), START, []
    for facts in [here, *[away] * 8, *[here, away] * 20]:
        memory = remember(memory, facts, now)
        seen.append(judge(facts, memory, now).level)
        now += STEP
    # Broken once, and while the consumer never stays, each absence says so again at once.
    assert memory.absent.on
    assert "no_consumers" in codes(judge(away, memory, now))


def test_a_collector_that_restarts_is_no_news() -> None:
    inbox = QueueFacts(ready=4, total=4, consumers=1, is_inbox=True, tracked=True, inbox_of=("orders",))
    away = replace(inbox, consumers=0)
    for observed in ([inbox, *[away] * 20], [inbox, *[away, away, inbox] * 20]):
        verdict, _, _ = live(*observed)
        assert codes(verdict) == ["captured"], observed
    verdict, _, _ = live(inbox, *[away] * 26)
    assert (verdict.level, codes(verdict)[0]) == (health.WATCH, "no_collector")


def test_who_begins_to_consume_is_not_late_since_before_it_came() -> None:
    """A dead-letter queue that is tracked after an hour, a consumer that is started in the morning."""
    alone = growing(90, consumers=0)
    came = [replace(alone[-1], consumers=1, ready=(alone[-1].ready or 0) - 1)] * 2
    assert "growing" not in codes(live(*alone, *came)[0])
    assert "growing" in codes(live(*growing(90), *came)[0])


def test_redeliveries_are_told_with_hysteresis() -> None:
    bad, middling, good = (busy(redeliver_rate=rate) for rate in (3.1, 1.5, 0.5))
    verdict, _, _ = live(*[bad] * 6)
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["redelivered"])
    assert verdict.reasons[0]["params"] == {"percent": 31}
    assert codes(live(*[bad] * 6, *[middling] * 20)[0]) == ["redelivered"]
    assert codes(live(*[middling] * 20)[0]) == []
    assert codes(live(*[bad] * 6, *[good] * 8)[0]) == []


def test_a_dead_letter_queue_speaks_of_its_letters_not_of_consumers() -> None:
    verdict, _, _ = live(*[inbox(i) for i in range(1, 41)])
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["letters_arriving"])
    assert verdict.reasons[0]["params"] == {"count": 39, "waiting": 40, "source": "orders"}
    verdict, _, _ = live(*[inbox(12)] * 30)
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["letters_waiting"])
    assert live(*[inbox(0)] * 30)[0].level == health.IDLE


def test_dead_letters_that_vanish_break_a_queue() -> None:
    verdict, _, _ = live(replace(QUIET, dead_letter_fault="exchange_missing"))
    assert (verdict.level, codes(verdict)) == (health.BROKEN, ["dead_letters_lost"])


def test_a_fault_of_the_topology_is_told_before_the_broker_has_counted() -> None:
    fresh = QueueFacts(ready=None, total=None, consumers=None, dead_letter_fault="routes_nowhere")
    verdict, _, _ = live(fresh)
    assert (verdict.level, codes(verdict)) == (health.BROKEN, ["dead_letters_lost"])


def test_a_delay_queue_is_idle_whatever_it_holds() -> None:
    held = [
        QueueFacts(ready=i, total=i, consumers=0, is_delay=True, delay_ms=4000, publish_rate=9.0)
        for i in range(50)
    ]
    verdict, _, _ = live(*held)
    assert (verdict.level, codes(verdict), verdict.clears_in) == (health.IDLE, ["delay"], 4.0)


def test_a_stream_may_keep_everything_and_have_no_reader() -> None:
    stream = QueueFacts(type="stream", ready=5_000, total=5_000, consumers=0)
    verdict, _, _ = live(*[stream] * 20)
    assert (verdict.level, codes(verdict), verdict.clears_in) == (health.IDLE, ["stream"], None)


def test_an_alarm_touches_only_queues_with_traffic() -> None:
    verdict, _, _ = live(*[busy(alarms=("memory",))] * 2)
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["blocked"])
    assert live(replace(QUIET, alarms=("memory",)))[0].level == health.IDLE


def test_the_worst_reason_comes_first() -> None:
    gone = busy(ready=95, consumers=0, max_length=100)
    verdict, _, _ = live(*[busy(ready=95, max_length=100)] * 2, *[gone] * 10)
    assert codes(verdict) == ["no_consumers", "nearly_full"]


@pytest.mark.parametrize("observed", [growing(20), [inbox(i) for i in range(9)], [busy()] * 3, [QUIET]])
def test_memory_survives_the_database(observed: list[QueueFacts]) -> None:
    _, memory, _ = live(*observed)
    assert Memory.from_json(memory.to_json()) == memory


def test_a_settled_queue_brings_nothing_new_for_ever() -> None:
    standing = QueueFacts(ready=5, total=5, consumers=0)
    verdict, memory, now = live(*[standing] * 30)
    assert verdict.settled
    for hours in (1, 5, 50):
        later = now + hours * 3600
        assert remember(memory, standing, later) == memory
        assert judge(standing, memory, later) == verdict


def test_a_latch_needs_its_time_both_ways() -> None:
    latch = latched(Latch(), True, False, 0, on_after=10, off_after=5)
    assert latch == Latch(since=0)
    assert latched(latch, False, False, 5, on_after=10, off_after=5) == Latch()
    latch = latched(latch, True, False, 10, on_after=10, off_after=5)
    assert latch.on
    ending = latched(latch, False, True, 12, on_after=10, off_after=5)
    assert ending.on
    assert latched(ending, False, False, 14, on_after=10, off_after=5) == latch
    assert latched(ending, False, True, 17, on_after=10, off_after=5) == Latch()


def test_what_an_owner_set_overrules() -> None:
    many = busy(ready=60, unacked=30, limits=Limits(ready=50, unacked=20, consumers=2, growing_s=0))
    verdict, _, _ = live(*[many] * 8)
    assert set(codes(verdict)) == {"too_many_ready", "too_many_unacked", "few_consumers"}
    never = {"limits": Limits(growing_s=0, lost_percent=0)}
    assert codes(live(*growing(90, **never))[0]) == []
    gone = busy(ready=900, consumers=0, deliver_rate=0.0, ack_rate=0.0, limits=Limits(no_consumers_s=300))
    assert "no_consumers" not in codes(live(busy(), *[gone] * 50)[0])
    assert "no_consumers" in codes(live(busy(), *[gone] * 63)[0])


def test_a_leader_that_moved_is_news_for_ten_minutes_and_no_trouble() -> None:
    here, there = replace(QUIET, node="a", members=3), replace(QUIET, node="b", members=3)
    verdict, memory, now = live(here, *[there] * 20)
    assert (verdict.level, codes(verdict)) == (health.IDLE, ["leader_moved"])
    assert verdict.reasons[0]["params"] == {"before": "a", "now": "b"}
    assert verdict.wake_at == START + 5 + 600
    assert codes(judge(there, remember(memory, there, now + 600), now + 600)) == []


def test_what_mqadmin_consumed_after_the_count_is_no_idleness() -> None:
    verdict, _, _ = live(*[QUIET] * 30, replace(QUIET, handling=Handling(0.1, 1, 1, last_at=START + 140)))
    assert verdict.level == health.OK


def test_a_trouble_keeps_its_beginning() -> None:
    lost = replace(QUIET, dead_letter_fault="exchange_missing")
    verdict, _, now = live(lost)
    first = health.dated(verdict, (), now)
    assert first.reasons[0]["since"] == now
    assert health.dated(verdict, first.reasons, now + 500).reasons == first.reasons


def test_a_member_that_lags_is_told_after_two_looks_and_no_more_once_it_does_not() -> None:
    queue = replace(QUIET, type="quorum", members=3, node="a")
    lagging = [replace(queue, behind=(("b", 5000),), behind_at=START + at) for at in (0, 0, 10, 10, 29)]
    verdict, memory, now = live(queue, *lagging)
    assert codes(verdict) == []  # one look that lasts for long says no more than one
    told = replace(queue, behind=(("b", 4000),), behind_at=START + 31)
    verdict = judge(told, memory := remember(memory, told, now), now)
    assert (verdict.level, codes(verdict)) == (health.WATCH, ["members_behind"])
    assert verdict.reasons[0]["since"] == START
    assert verdict.reasons[0]["params"] == {"behind": [["b", 4000]], "members": 3, "spare": 0}
    fine = replace(queue, behind_at=START + 36)
    assert codes(judge(fine, remember(memory, fine, now), now)) == []
    assert Memory.from_json(memory.to_json()).behind == memory.behind
