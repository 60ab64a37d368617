"""What a file would change, and that it is all done or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.definitions import definitions
from consumers.files import applying, entries, planning
from consumers.files.planning import Plan
from consumers.models import Consumer
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from tests.support.consumers import make_consumer

pytestmark = pytest.mark.django_db
BY = Actor("ann", "shell")
RECORD = {"broker": "default", "queue": "orders", "handler": "record"}
HOOK = {**RECORD, "handler": "webhook"}


def plan(**told: dict[str, Any]) -> Plan:
    return planning.plan(entries.read({"consumers": told}))


def the(found: Plan) -> planning.Step:
    (step,) = found.steps
    return step


def words(found: Plan) -> list[str]:
    return [change.words for change in the(found).changes]


def apply(found: Plan, **how: Any) -> applying.Done:
    return applying.apply(found, by=BY, source="file", **how)


def test_new_changed_and_the_same() -> None:
    make_consumer(name="same")
    make_consumer(name="changed", prefetch=20, desired="running")
    make_consumer(name="extra")
    make_consumer(name="collector", is_collector=True)
    found = plan(same=RECORD, changed={**RECORD, "prefetch": 50, "replicas": 2}, fresh=RECORD)

    assert [(step.name, step.act) for step in found.steps] == [
        ("same", "same"),
        ("changed", "change"),
        ("fresh", "create"),
    ]
    assert [change.words for change in found.steps[1].changes] == ["prefetch: 20 → 50", "replicas: 1 → 2"]
    assert found.extra == ["extra"]

    done = apply(found, mark=found.mark)
    assert (done.created, done.changed, done.started) == (["fresh"], ["changed"], [])
    changed = Consumer.objects.get(name="changed")
    assert (changed.prefetch, changed.replicas, changed.revision, changed.desired) == (50, 2, 2, "running")
    assert Consumer.objects.get(name="fresh").desired == "stopped"
    assert changed.changed_by == "ann"
    assert Consumer.objects.count() == 5
    acts = set(AuditEntry.objects.values_list("action", "target", "outcome"))
    assert acts == {
        ("consumer.import", "file", "done"),
        ("consumer.update", "changed", "done"),
        ("consumer.create", "fresh", "done"),
    }
    again = plan(same=RECORD, changed={**RECORD, "prefetch": 50, "replicas": 2}, fresh=RECORD)
    assert again.doing == []


def test_only_the_new_ones_are_started_and_only_when_asked() -> None:
    make_consumer(name="changed")
    done = apply(plan(changed={**RECORD, "prefetch": 50}, fresh=RECORD), start=True)
    assert done.started == ["fresh"]
    assert Consumer.objects.get(name="changed").desired == "stopped"


@pytest.mark.parametrize(
    ("name", "told", "field", "says"),
    [
        ("no slug!", RECORD, "name", "slug"),
        ("a\0", RECORD, "name", ""),
        ("new", RECORD, "name", "taken"),
        ("x" * 61, RECORD, "name", "60"),
        ("a", {**RECORD, "prefetch": 0}, "prefetch", "From 1"),
        ("a", {**RECORD, "mode": "peek"}, "mode", "not a valid choice"),
        ("a", {**RECORD, "concurrency": 50}, "prefetch", "50 or more"),
        ("a", {**RECORD, "broker": "nowhere"}, "broker", "nowhere"),
        ("a", {**RECORD, "handler": "collect"}, "handler", "track the queue"),
        ("a", {**HOOK, "options": {"url": "x"}}, "options", "http"),
        ("a", {**HOOK, "options": {"url": 5}}, "options.url", "Enter text."),
        (
            "a",
            {**HOOK, "options": {"url": "https://a.example/?key=•••"}},
            "options.url",
            "give the value itself",
        ),
        ("collector", RECORD, "", "captures"),
    ],
)
def test_one_that_is_refused_stops_all(name: str, told: dict[str, Any], field: str, says: str) -> None:
    make_consumer(name="collector", is_collector=True)
    found = planning.plan(entries.read({"consumers": {"good": RECORD, name: told}}))
    (refused,) = found.refused
    assert says in " ".join(text for key, text in refused.errors.items() if key.startswith(field))
    assert any(key.startswith(field) for key in refused.errors)
    with pytest.raises(Refusal) as stopped:
        apply(found)
    assert any(key.startswith(name) for key in stopped.value.fields)
    assert not Consumer.objects.filter(name="good").exists()
    assert AuditEntry.objects.get(action="consumer.import").outcome == "refused"


def test_a_secret_is_kept_where_its_sign_stands_for_it() -> None:
    url = "https://example.org/in?key=hunter2"
    row = make_consumer(name="hook", handler="webhook", options={"url": url})
    [exported] = entries.written([row])["consumers"].values()
    assert exported["options"] == {"url": "https://example.org/in?key=•••"}

    assert the(plan(hook=exported)).act == "same"
    apply(plan(hook={**exported, "prefetch": 50}))
    assert Consumer.objects.get().options["url"] == url


@pytest.mark.parametrize(
    "told",
    [
        {"options": {"url": "https://elsewhere.example/in?key=•••"}},  # it would be sent to somebody else
        {"options": {"url": "https://example.org/other?key=•••"}},
        {"options": {"url": "https://example.org/in?key=•••", "headers": "•••"}},
        {"name": "another", "options": {"url": "https://example.org/in?key=•••"}},
    ],
)
def test_a_secret_is_asked_for_where_it_is_meant_for_something_else(told: dict[str, Any]) -> None:
    make_consumer(name="hook", handler="webhook", options={"url": "https://example.org/in?key=hunter2"})
    name = told.pop("name", "hook")
    found = plan(**{name: {**HOOK, **told}})
    assert "give the value itself" in " ".join(the(found).errors.values())


def test_another_secret_is_a_change_that_shows_neither() -> None:
    make_consumer(name="hook", handler="webhook", options={"url": "https://example.org/in?key=hunter2"})
    found = plan(hook={**HOOK, "options": {"url": "https://example.org/in?key=other"}})
    assert words(found) == ["options.url: another value, which may be a secret"]
    assert "hunter2" not in str(the(found).changes)
    apply(found)
    assert "other" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_options_at_their_defaults_are_no_difference() -> None:
    url = "https://example.org/in"
    make_consumer(name="hook", handler="webhook", options={"url": url, "method": "POST", "ack": "200-299"})
    assert the(plan(hook={**HOOK, "options": {"url": url}})).act == "same"


def test_what_somebody_changed_meanwhile_is_not_overwritten() -> None:
    row = make_consumer(name="orders", prefetch=10)
    seen = plan(orders={**RECORD, "prefetch": 50}, fresh=RECORD)
    definitions.update(consumer=row, by=Actor("bob"), prefetch=30)

    with pytest.raises(definitions.Conflict, match="bob was faster"):
        apply(seen)
    anew = plan(orders={**RECORD, "prefetch": 50}, fresh=RECORD)
    assert anew.mark != seen.mark
    with pytest.raises(definitions.Conflict, match="Look again"):
        apply(anew, mark=seen.mark)
    assert Consumer.objects.get().prefetch == 30
    acts = set(AuditEntry.objects.filter(actor="ann").values_list("action", "outcome"))
    assert acts == {
        ("consumer.import", "refused"),
        ("consumer.create", "refused"),
        ("consumer.update", "refused"),
    }


def test_two_that_define_the_same_name_at_once() -> None:
    seen = plan(other=RECORD, orders=RECORD)
    make_consumer(name="orders")
    with pytest.raises(definitions.Conflict, match="defined orders meanwhile"):
        apply(seen)
    assert [row.name for row in Consumer.objects.all()] == ["orders"]


def test_another_text_than_the_one_seen_is_not_done() -> None:
    seen = plan(fresh=RECORD)
    with pytest.raises(definitions.Conflict, match="Look again"):
        apply(plan(fresh={**RECORD, "prefetch": 11}), mark=seen.mark)
    assert not Consumer.objects.exists()
