"""What people do with rules, channels, incidents and silences: faults beside their fields, everything audited."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from mqadmin.alerts import metrics
from mqadmin.alerts.acts import channels, incidents, rules, silences
from mqadmin.alerts.engine import retention
from mqadmin.alerts.models import Alert, Channel, Delivery, Incident, Rule, Silence
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from tests.alerts.conftest import Shop, a_channel, a_rule

ANNA = Actor("anna")
NUMBER = {"name": "n", "about": "number", "field": "ready", "value": 100}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " ", "about": "lag", "value": 60}, "name"),
        ({"name": "n", "about": "weather"}, "about"),
        ({"name": "n", "about": "verdict"}, "level"),
        (NUMBER | {"field": "ack_rate"}, "field"),
        (NUMBER | {"value": None}, "value"),
        (NUMBER | {"value": float("nan")}, "value"),
        (NUMBER | {"clear_value": 101}, "clear_value"),
        (NUMBER | {"operator": "below", "clear_value": 99}, "clear_value"),
        (NUMBER | {"broker": "nowhere"}, "broker"),
        (NUMBER | {"repeat_s": 5}, "repeat_s"),
        ({"name": "n", "about": "broker_away", "queues": "orders"}, "queues"),
        ({"name": "n", "about": "cause", "value": 3}, "codes"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_beside_its_field(
    shop: Shop, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        rules.create(by=ANNA, **values)
    assert list(refused.value.fields) == [field]
    assert not Rule.objects.exists()


def test_a_rule_says_before_what_it_would_match(shop: Shop) -> None:
    shop.queue("orders", ready=101)
    shop.queue("mail", ready=99)
    shop.broker.__class__.objects.update(sampled_at=timezone.now())
    found = rules.forecast(Rule(**NUMBER | {"clear_value": 50}))
    assert (found.count, found.examples) == (1, ("orders",))
    rule = rules.create(by=ANNA, **NUMBER)
    assert rules.forecast(rule).count == 1
    assert AuditEntry.objects.get(action="alert_rule.create").detail["value"] == 100


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "webhook"}, "secret_variable"),
        ({"quiet_from": time(22)}, "quiet_until"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"name": "mail"}, "name"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_beside_its_field(
    db: None, values: dict[str, Any], field: str
) -> None:
    a_channel()
    with pytest.raises(Refusal) as refused:
        channels.create(by=ANNA, **{"name": "chat", "variable": "MQADMIN_ALERT_CHAT"} | values)
    assert list(refused.value.fields) == [field]


def test_what_waits_for_a_channel_that_is_deleted_is_given_up_and_kept(shop: Shop) -> None:
    a_rule(for_s=0)
    channel = a_channel()
    shop.queue("orders", "no_consumers")
    shop.after()
    channels.delete(by=ANNA, channel=channel)
    left = Delivery.objects.get()
    assert (left.state, left.answer, left.channel_name) == ("failed", "The channel was deleted.", "mail")
    assert not Channel.objects.exists()


def test_an_incident_is_snoozed_and_woken(shop: Shop) -> None:
    a_rule(for_s=0)
    shop.queue("orders", "no_consumers")
    shop.after()
    with pytest.raises(Refusal, match="within 30 days"):
        incidents.snooze(by=ANNA, incident=shop.incident, until=timezone.now() - timedelta(minutes=1))
    until = timezone.now() + timedelta(hours=1)
    assert incidents.state(incidents.snooze(by=ANNA, incident=shop.incident, until=until)) == "snoozed"
    assert incidents.state(incidents.wake(by=ANNA, incident=shop.incident)) == "firing"
    assert list(incidents.open_now("default")) == [shop.incident]


def test_of_two_who_snooze_one_wins(shop: Shop) -> None:
    a_rule(for_s=0)
    shop.queue("orders", "no_consumers")
    shop.after()
    annas, bens = shop.incident, shop.incident  # both looked before either clicked
    until = timezone.now() + timedelta(hours=1)
    incidents.snooze(by=ANNA, incident=annas, until=until)
    with pytest.raises(Refusal, match="anna snoozed it already"):
        incidents.snooze(by=Actor("ben"), incident=bens, until=until + timedelta(hours=3))
    assert (shop.incident.snoozed_by, shop.incident.snoozed_until) == ("anna", until)
    longer = incidents.snooze(
        by=Actor("ben"), incident=bens, until=until + timedelta(hours=3)
    )  # who sees it may
    assert longer.snoozed_by == "ben"


def test_silences_begin_later_and_end_early(db: None) -> None:
    now = timezone.now()
    with pytest.raises(Refusal) as refused:
        silences.begin(by=ANNA, reason=" ", ends_at=now - timedelta(hours=1))
    assert set(refused.value.fields) == {"reason", "ends_at"}
    lasts = silences.begin(by=ANNA, reason="move", ends_at=now + timedelta(hours=1))
    window = silences.begin(
        by=ANNA, reason="upgrade", begins_at=now + timedelta(days=1), ends_at=now + timedelta(days=2)
    )
    assert (list(silences.current()), list(silences.coming())) == ([lasts], [window])
    silences.end(by=ANNA, silence=lasts)
    silences.end(by=ANNA, silence=window)
    assert [row.reason for row in Silence.objects.all()] == ["move"]
    with pytest.raises(Refusal, match="over already"):
        silences.end(by=ANNA, silence=lasts)


def test_what_is_long_over_is_deleted_and_what_is_open_is_told_as_a_metric(shop: Shop) -> None:
    a_rule(for_s=0, clear_s=0)
    a_channel()
    queue = shop.queue("orders", "no_consumers")
    shop.after()
    found = {family.name: family.samples for family in metrics.families()}
    assert found["mqadmin_incidents_open"] == [('{broker="default",severity="critical"}', 1)]
    assert found["mqadmin_alerts_evaluated"] == [("", 0)]
    shop.set(queue)
    shop.after(5)
    for days, gone in ((89, ""), (91, "1 incidents")):
        Incident.objects.update(resolved_at=timezone.now() - timedelta(days=days))
        assert retention.forget() == gone
    assert not Alert.objects.exists()
    assert not Delivery.objects.exists()
