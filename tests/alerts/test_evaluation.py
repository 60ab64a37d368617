"""From rows to incidents and messages: what is told once, what again, what not, and what it says."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from mqadmin.alerts.acts import incidents, rules, silences
from mqadmin.alerts.engine import writing
from mqadmin.alerts.models import Alert, Delivery, Incident, Rule
from mqadmin.alerts.rules import built_in, queues_of
from mqadmin.alerts.seeing import of_letters, world
from mqadmin.alerts.telling import verdicts
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Broker, Queue
from tests.alerts.conftest import Shop, a_channel, a_rule

ANNA = Actor("anna")


def test_four_hundred_queues_are_one_incident_told_once_and_when_it_is_over(shop: Shop) -> None:
    a_rule()
    a_channel()
    first = shop.queue("orders.0", "no_consumers")
    first.refresh_from_db()
    broken = {"health": "broken", "health_rank": 3, "health_reasons": first.health_reasons}
    Queue.objects.bulk_create(
        Queue(broker=shop.broker, vhost="/", name=f"orders.{number}", **broken) for number in range(1, 400)
    )
    shop.after(0)
    assert (shop.firing, shop.told()) == (0, [])
    shop.after(60)
    assert (shop.firing, shop.told()) == (400, ["opened"])
    assert shop.incident.title == "400 queues have nobody listening"
    message = Delivery.objects.get()
    assert message.title == "[critical] default: 400 queues have nobody listening"
    assert "- orders.0: No consumers since" in message.text
    assert "and 390 more" in message.text
    for _turn in range(3):
        shop.after(600)
    assert shop.told() == ["opened"]
    shop.after(1800)
    assert shop.told() == ["opened", "repeated"]
    Queue.objects.update(health="ok", health_rank=1, health_reasons=[])
    shop.after(5)
    assert shop.told() == ["opened", "repeated"]  # it may come back
    shop.after(60)
    assert shop.told() == ["opened", "repeated", "resolved"]
    assert shop.incident.resolved_at == shop.now
    last = Delivery.objects.latest("id")
    assert last.title == "[resolved] default: 400 queues have nobody listening"
    shop.after(7200)
    assert Delivery.objects.count() == 3


def test_other_trouble_and_another_broker_are_incidents_of_their_own(shop: Shop) -> None:
    a_rule(for_s=0)
    shop.queue("a", "no_consumers")
    shop.queue("b", "full")
    shop.after()
    kinds = set(Incident.objects.values_list("broker", "kind"))
    assert kinds == {("default", "verdict:no_consumers"), ("default", "verdict:full")}


def test_each_trouble_of_a_broker_is_told_when_it_begins_and_when_it_ends(shop: Shop) -> None:
    a_rule(about="broker_reason", level="watch", for_s=0, clear_s=0)
    a_channel()
    leak = {"code": "many_channels", "level": "watch", "params": {"connection": "web", "channels": 250}}
    alarm = {"code": "disk_alarm", "level": "broken", "params": {"node": "rabbit@a", "resource": "disk"}}
    blocked = {"code": "publishers_blocked", "level": "broken", "params": {"count": 1, "names": ["web"]}}
    told = []
    for reasons in ([leak], [alarm, blocked, leak], [leak], [blocked]):
        Broker.objects.update(reasons=reasons)
        shop.after(5)
        told.append(
            list(Delivery.objects.order_by("id").values_list("what", "incident__kind"))[sum(map(len, told)) :]
        )
    assert told == [
        [("opened", "broker:many_channels")],
        [("opened", "broker:disk_alarm")],
        [("resolved", "broker:disk_alarm")],
        [("resolved", "broker:many_channels"), ("opened", "broker:publishers_blocked")],
    ]
    text = Delivery.objects.get(what="opened", incident__kind="broker:disk_alarm").text
    assert "- default: rabbit@a raised its disk alarm" in text
    assert "blocked" in text  # publishers, by it


def test_each_node_that_goes_down_is_told_also_beside_another(shop: Shop) -> None:
    a_rule(about="broker_reason", level="broken", for_s=0, clear_s=0)
    a_channel()

    def told_with(*down: str) -> list[str]:
        before = Delivery.objects.count()
        reasons = [{"code": "node_down", "level": "broken", "params": {"node": node}} for node in down]
        Broker.objects.update(reasons=reasons)
        shop.after(5)
        return list(Delivery.objects.order_by("id").values_list("title", flat=True)[before:])

    first = "[critical] default: a@h is down"
    assert told_with("a@h") == [first]
    assert told_with("b@h", "a@h") == ["[critical] default: a@h is down; b@h is down (got worse)"]
    assert told_with("a@h", "b@h") == []
    assert told_with("b@h") == [], "one of them is back: the other goes on"
    assert told_with("c@h", "b@h") == ["[critical] default: b@h is down; c@h is down (got worse)"]
    assert shop.incident.title == "b@h is down; c@h is down"
    four = told_with("a@h", "b@h", "c@h", "d@h")
    assert four == ["[critical] default: b@h is down; c@h is down; a@h is down; and 1 more (got worse)"]
    assert [title[:10] for title in told_with()] == ["[resolved]"]
    assert told_with("b@h") == [first.replace("a@h", "b@h")], "an incident of its own"


def test_what_holds_for_a_moment_only_leaves_nothing(shop: Shop) -> None:
    a_rule()
    queue = shop.queue("orders", "no_consumers")
    shop.after()
    shop.set(queue)
    shop.after(30)
    assert not Alert.objects.exists()


def test_a_new_engine_goes_on_where_the_last_one_stopped(shop: Shop) -> None:
    a_rule()
    a_channel()
    shop.queue("orders", "no_consumers")
    shop.after()
    again = Shop(shop.broker, shop.now)
    again.after(60)
    assert again.told() == ["opened"]
    Shop(shop.broker, again.now).after(5)
    assert again.told() == ["opened"]


def test_of_a_broker_that_is_away_nothing_new_is_said_and_nothing_ends(shop: Shop) -> None:
    built_in.ensure()
    a_channel()
    queue = shop.queue("orders", "no_consumers")
    shop.after()
    shop.after(60)
    shop.set(queue)  # as if the row were lost: nobody saw it so
    Broker.objects.update(reachable=False, error_code="connection_refused", error="refused")
    shop.after(5, seen=False)
    shop.after(600, seen=False)
    assert set(Incident.objects.values_list("kind", "resolved_at")) == {
        ("verdict:no_consumers", None),
        ("broker_away", None),
    }
    away = Delivery.objects.get(incident__kind="broker_away")
    assert away.title == "[critical] default: The broker cannot be reached"
    assert "Last well at 2026-03-02 12:01 UTC." in away.text
    shop.after(5)
    shop.after(60)
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_hysteresis_keeps_a_number_that_hovers_from_flapping(shop: Shop) -> None:
    a_rule(about="number", level="", field="ready", value=1000, clear_value=800, for_s=0, clear_s=60)
    a_channel()
    queue = shop.queue("orders", ready=1001)
    shop.after()
    assert Incident.objects.get().title == "orders: ready messages above 1 000".replace(" 000", "\u00a0000")
    for ready in (999, 801, 1200, 850):
        shop.set(queue, ready=ready)
        shop.after(120)
    assert (shop.firing, shop.told()) == (1, ["opened"])
    shop.set(queue, ready=800)
    shop.after(5)
    shop.after(60)
    assert shop.told() == ["opened", "resolved"]


def test_acknowledged_it_is_not_repeated_but_its_end_is_told(shop: Shop) -> None:
    a_rule(for_s=0, clear_s=0)
    a_channel()
    later = a_channel(name="boss", after_minutes=30)
    queue = shop.queue("orders", "no_consumers")
    shop.after()
    incidents.acknowledge(by=ANNA, incident=shop.incident)
    with pytest.raises(Refusal, match="anna acknowledged it already"):
        incidents.acknowledge(by=Actor("ben"), incident=shop.incident)
    shop.after(7200)
    assert shop.told() == ["opened"]
    shop.set(queue)
    shop.after(5)
    assert shop.told() == ["opened", "resolved"]
    assert shop.told(later) == []


def test_nobody_takes_it_so_the_next_one_is_told(shop: Shop) -> None:
    a_rule(for_s=0)
    first, boss = a_channel(), a_channel(name="boss", after_minutes=30)
    shop.queue("orders", "no_consumers")
    shop.after()
    shop.after(1799)
    assert (shop.told(first), shop.told(boss)) == (["opened"], [])
    shop.after(1)
    assert (shop.told(first), shop.told(boss)) == (["opened"], ["escalated"])
    assert shop.incident.escalated_at == shop.now


def test_a_silence_and_a_muted_queue_keep_it_quiet_until_they_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_rule(for_s=0)
    a_channel()
    shop.queue("orders", "no_consumers")
    silence = silences.Silence.objects.create(
        queues="orders", begins_at=shop.now, ends_at=shop.now + timedelta(hours=1), reason="move", by="anna"
    )
    shop.after()
    assert (shop.incident.is_silenced, shop.told()) == (True, [])
    shop.after(3599)
    assert shop.told() == []
    shop.after(1)
    assert (shop.incident.is_silenced, shop.told()) == (False, ["opened"])
    assert silence.ends_at == shop.now
    monkeypatch.setattr(world, "is_muted", lambda row, _now: row["name"] == "orders")
    shop.after(7200)
    assert (shop.incident.is_silenced, shop.told()) == (True, ["opened"])


def test_quiet_hours_hold_a_warning_until_they_end_and_let_what_is_critical_through(shop: Shop) -> None:
    a_rule(for_s=0, clear_s=0, severity=2, codes=["full"])
    a_rule(for_s=0, codes=["down"])
    a_channel(quiet_from=time(11), quiet_until=time(14), time_zone="UTC")
    shop.queue("a", "full")
    shop.queue("b", "down")
    shop.after()
    assert [(row.what, row.severity) for row in Delivery.objects.all()] == [("opened", 3)]
    shop.after(7200)
    assert [(row.what, row.severity) for row in Delivery.objects.order_by("id")] == [
        ("opened", 3),
        ("repeated", 3),
        ("opened", 2),
    ]


def test_a_channel_hears_of_its_queues_alone(shop: Shop) -> None:
    a_rule(for_s=0)
    mine = a_channel(queues="orders")
    other = a_channel(name="others", broker="elsewhere")
    for name in ("orders.a", "orders.b", "mail"):
        shop.queue(name, "no_consumers")
    shop.after()
    assert Delivery.objects.get(channel=mine).alerts == 2
    assert not Delivery.objects.filter(channel=other).exists()


def test_it_is_told_again_when_it_gets_worse(shop: Shop) -> None:
    a_rule(for_s=0, severity=2, level="watch")
    a_rule(for_s=0, severity=3)
    a_channel()
    queue = shop.queue("orders")
    shop.set(queue, "growing", level="watch")
    shop.after()
    shop.set(queue, "growing")
    shop.after(5)
    assert (shop.told(), shop.incident.severity) == (["opened", "grown"], 3)


def test_letters_that_arrive_and_a_new_cause(shop: Shop) -> None:
    a_rule(name="many", about="letters", level="", value=2, window_s=600, for_s=0, clear_s=0)
    a_rule(name="new", about="new_cause", level="", window_s=3600, for_s=0, clear_s=0, severity=2)
    a_channel()
    for number, age in enumerate((9000, 10, 9, 8)):
        a_letter(shop, "old" if number < 3 else "new", age)
    shop.after()
    titles = set(Delivery.objects.values_list("title", flat=True))
    assert titles == {
        "[critical] default: Dead letters arrive: more than 2 in 10 min",
        "[warning] default: Messages die of a new cause: shop.errors.NoStock",
    }
    shop.after(7200)
    assert sorted(shop.told()) == ["opened", "opened", "resolved", "resolved"]


def a_letter(shop: Shop, group: str, age: float = 0) -> None:
    DeadLetter.objects.create(
        broker="default",
        vhost="/",
        dead_letter_queue="dlq",
        source_queue="orders",
        reason="error",
        error_type="shop.errors.NoStock",
        group=group,
        captured_at=shop.now - timedelta(seconds=age),
        body=b"",
        fingerprint=str(DeadLetter.objects.count()),
    )


def test_a_new_cause_is_over_once_none_of_its_letters_came_for_the_rules_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_rule(about="new_cause", level="", window_s=3600, for_s=0, clear_s=0, repeat_s=0)
    a_channel()
    a_letter(shop, "new")
    shop.after(1)
    for _letter in range(3):  # it is not new any more, and goes on
        shop.after(3000)
        a_letter(shop, "new")
        a_letter(shop, "known")
    shop.after(3500)
    assert (shop.told(), shop.firing) == (["opened"], 2)  # "known" is new as well; both are one incident
    monkeypatch.setattr(of_letters, "MOST", 2)
    for _letter in range(3):
        a_letter(shop, "flood")
    shop.after(50)  # what a flood hides goes on
    assert shop.firing == 3
    shop.after(3700)
    assert shop.told() == ["opened", "resolved"]
    shop.after(60)
    a_letter(shop, "new")
    shop.after(60)
    assert shop.told() == ["opened", "resolved"]  # it is known by now


def test_hostile_names_are_written_out(shop: Shop) -> None:
    a_rule(for_s=0)
    a_channel()
    shop.queue("or\u202eders\r\nBcc: x", "no_consumers")
    shop.after()
    message = Delivery.objects.get()
    assert "or[U+202E]ders[U+000D][U+000A]Bcc: x has nobody listening" in message.title
    assert "\u202e" not in message.text + message.title
    assert "\r" not in message.text


def test_words_that_fail_keep_no_message_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_reasons: object) -> str:
        raise AttributeError("a row of another version")

    monkeypatch.setattr(verdicts, "sentences", fails)
    a_rule(for_s=0)
    a_channel()
    shop.queue("orders", "no_consumers")
    shop.after()
    message = Delivery.objects.get()
    assert (message.title, message.alerts) == ("[critical] default: orders has nobody listening", 1)


def test_what_somebody_changed_meanwhile_is_seen_not_overwritten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_rule(for_s=0, clear_s=0)
    queue = shop.queue("orders", "no_consumers")
    shop.after()
    write, raced = writing.write, []

    def first_somebody_else(*args: object) -> int:
        if not raced:
            raced.append(incidents.acknowledge(by=ANNA, incident=shop.incident))
        return write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "write", first_somebody_else)
    shop.set(queue)
    shop.after(5)
    assert shop.incident.resolved_at == shop.now
    assert shop.incident.acknowledged_by == "anna"


def test_a_rule_and_filters_that_cannot_be_applied_stop_nobody_from_being_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    matching = queues_of.matching

    def breaks(text: str, rows: QuerySet[Queue]) -> QuerySet[Queue]:
        if text == "slow":
            raise ValueError("a pattern that takes too long")
        return matching(text, rows)

    monkeypatch.setattr(queues_of, "matching", breaks)
    bad = a_rule(name="bad", queues="slow")
    a_rule(for_s=0)
    a_channel(queues="slow")
    hour = shop.now + timedelta(hours=1)
    silences.Silence.objects.create(queues="slow", begins_at=shop.now, ends_at=hour, reason="move", by="anna")
    shop.queue("orders", "no_consumers")
    assert list(shop.after().faults or {}) == [bad.pk]
    shop.after(5)
    assert shop.told() == ["opened"]
    assert caplog.text.count("a pattern that takes too long") == 2  # the rule's and the other's, once


def test_built_in_rules_come_once_and_keep_what_a_person_changed(db: None) -> None:
    assert built_in.ensure() == len(built_in.RULES)
    rule = Rule.objects.get(built_in="lag")
    rules.change(by=ANNA, rule=rule, value=60, clear_value=30)
    assert built_in.ensure() == 0
    assert Rule.objects.get(built_in="lag").value == 60
    Rule.objects.filter(built_in="queue_watch").update(codes=["full"])  # of an older version
    assert built_in.ensure() == 1
    assert Rule.objects.get(built_in="queue_watch").codes == built_in.WATCHED_QUEUES
    with pytest.raises(Refusal, match="switch it off"):
        rules.delete(by=ANNA, rule=rule)
    assert rules.restore(by=ANNA, rule=rule).value == built_in.RULES["lag"]["value"]


def test_a_rule_that_is_switched_off_ends_its_alerts(shop: Shop) -> None:
    rule = a_rule(for_s=0)
    shop.queue("orders", "no_consumers")
    shop.after()
    Rule.objects.filter(pk=rule.pk).update(is_on=False)
    shop.after(5)
    assert shop.incident.resolved_at == shop.now


def test_ten_times_the_queues_take_no_more_queries(shop: Shop) -> None:
    built_in.ensure()
    a_channel()

    def asked(count: int) -> int:
        Queue.objects.bulk_create(
            Queue(broker=shop.broker, vhost="/", name=f"q{count}.{number}", health="ok", health_rank=1)
            for number in range(count)
        )
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shop.after(5)
        return len(queries)

    assert asked(300) == asked(30)
