"""Versions: kept when something changed, small, thinned; what is stored of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from mqadmin.core.models import AuditEntry
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.document import Read
from mqadmin.definitions.comparing.kinds import Key, Snapshot
from mqadmin.definitions.keeping import packing, retention, versions, who
from mqadmin.definitions.models import Part, Version
from mqadmin.history.happenings import Asked, Happening, between, once
from mqadmin.queues.models import BrokerEvent

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def queues(count: int, **more: Any) -> Snapshot:
    return {
        Key(kinds.QUEUE, "/", (f"q{number}",)): {"name": f"q{number}", "vhost": "/", "arguments": {}, **more}
        for number in range(count)
    }


def keep(objects: Snapshot, minutes: float = 0, version: str = "4.3.6") -> Version | None:
    return versions.keep("default", Read(objects, 0, version), now=NOW + timedelta(minutes=minutes))


def test_what_two_know_of_is_told_by_the_one_who_knows_better_who_did_it() -> None:
    change, other = ("queue", "/:q", "gone"), ("queue", "/:q", "added")

    def told(seconds: float, what: str, known: int, *about: tuple[str, str, str]) -> Happening:
        return Happening(
            NOW + timedelta(seconds=seconds), what, about=frozenset(about), known=known, detail="5 ready"
        )

    audited, again = told(0, "ann deleted q", 2, change), told(40, "bob deleted q", 2, change)
    noted = [told(30, "q gone", 0, change), told(60, "q gone once more", 0, change)]
    found = once([*noted, again, audited])
    assert sorted(item.what for item in found) == ["ann deleted q: 5 ready", "bob deleted q: 5 ready"]
    for unlike in (
        told(30, "made", 0, other),
        told(30, "both", 0, change, other),
        told(-5, "before", 0, change),
        told(200, "much later", 0, change),
        told(30, "by another", 2, change),
        told(30, "about nothing", 0),
    ):
        assert once([unlike, audited]) == [audited, unlike] or once([unlike, audited]) == [unlike, audited]


@pytest.mark.parametrize("count", [0, 1, 256, 257, 3_000])
def test_what_is_packed_comes_back(count: int) -> None:
    objects = queues(count)
    parts = packing.pack(objects)
    digests = {name: packing.digest(data) for name, data in parts.items()}
    data = {digests[name]: packing.compressed(part) for name, part in parts.items()}
    assert packing.unpack(digests, data) == objects


@pytest.mark.django_db
def test_a_version_is_kept_when_something_changed() -> None:
    objects = queues(3)
    first = keep(objects)
    assert first is not None
    assert (first.changed, first.counts) == ({}, {"queue": 3})
    assert keep(objects, 1) is None
    assert versions.watch("default").checked_at == NOW + timedelta(minutes=1)
    key = Key(kinds.QUEUE, "/", ("q1",))
    changed = {**objects, key: {**objects[key], "arguments": {"x-max-length": 1}}}
    del changed[Key(kinds.QUEUE, "/", ("q0",))]
    second = keep(changed, 2)
    assert second is not None
    assert second.changed == {"added": 0, "gone": 1, "changed": 1}
    assert second.since == NOW + timedelta(minutes=1)
    assert versions.objects(second) == changed
    assert {item.how for item in versions.between(first, second)} == {"gone", "changed"}


@pytest.mark.django_db
def test_the_same_in_other_words_is_no_change_but_an_upgrade_is_told() -> None:
    keep(queues(2), version="4.0.5")
    told_otherwise = queues(2, auto_delete=False)
    assert keep(told_otherwise, 1, "4.0.5") is None
    upgraded = keep(told_otherwise, 2, "4.3.6")
    assert upgraded is not None
    assert upgraded.changed == {"added": 0, "gone": 0, "changed": 0}


@pytest.mark.django_db
def test_one_change_among_many_stores_little() -> None:
    objects = queues(4_000)
    keep(objects)
    before = set(Part.objects.values_list("digest", flat=True))
    key = Key(kinds.QUEUE, "/", ("q7",))
    keep({**objects, key: {**objects[key], "durable": True}}, 1)
    assert Part.objects.exclude(digest__in=before).count() == 1
    assert len(before) >= 16


@pytest.mark.django_db
def test_who_did_it_is_told_where_the_audit_log_names_it() -> None:
    objects = queues(2)
    keep(objects)
    AuditEntry.objects.create(
        actor="ann", action="queue.create", broker="default", target="/:q2", outcome="done"
    )
    AuditEntry.objects.create(
        actor="bob", action="queue.peek", broker="default", target="/:q2", outcome="done"
    )
    AuditEntry.objects.create(
        actor="cyd", action="queue.create", broker="other", target="/:q2", outcome="done"
    )
    AuditEntry.objects.update(at=NOW + timedelta(seconds=30))
    made = keep(queues(3), 1)
    assert made is not None
    assert made.who == [{"actor": "ann", "action": "queue.create"}]
    AuditEntry.objects.update(at=NOW + timedelta(seconds=90))
    later = keep(queues(1), 9)
    assert later is not None
    assert later.who == [{"actor": "ann", "action": "queue.create"}]  # q2, within the time; q1 nobody


@pytest.mark.parametrize(
    ("target", "detail", "is_it"),
    [
        ("/:orders", {}, True),
        ("/:orders", {"destination": "q"}, True),
        ("/:orders", {"destination": "other"}, False),
        ("/:q", {}, True),
        ("/:order", {}, False),
        ("", {}, False),
        ("/:orders", {"objects": []}, False),
    ],
)
def test_a_binding_is_named_by_either_of_its_ends(target: str, detail: dict[str, Any], is_it: bool) -> None:
    key = Key(kinds.BINDING, "/", ("orders", "queue", "q", "a.*", "{}"))
    entry = AuditEntry(actor="ann", action="binding.delete", target=target, detail=detail, at=NOW)
    assert (who.Traces([entry]).of(key) is not None) is is_it


def test_old_versions_are_thinned_and_the_newest_stays() -> None:
    minutes = [0, 1, 8 * 1440 + 1, 8 * 1440 + 2, 8 * 1440 + 70, 40 * 1440, 40 * 1440 + 90, 400 * 1440]
    rows = [(number, NOW - timedelta(minutes=ago)) for number, ago in enumerate(minutes)]
    assert retention.surplus(rows, NOW, 365, 100) == [3, 6, 7]
    assert retention.surplus(rows, NOW, 0, 100) == [3, 6]
    assert retention.surplus(rows, NOW, 365, 2) == [2, 3, 4, 5, 6, 7]
    assert retention.surplus([(1, NOW - timedelta(days=900))], NOW, 365, 1) == []


@pytest.mark.django_db
def test_what_no_version_needs_is_deleted(settings: LazySettings) -> None:
    settings.MQADMIN_DEFINITIONS_VERSIONS = 1
    for number in range(4):
        keep(queues(number + 1), number)
    assert Version.objects.count() == 4
    assert retention.forget(NOW + timedelta(hours=1)) == "3 versions of definitions"
    (left,) = Version.objects.all()
    assert versions.objects(left) == queues(4)
    assert set(Part.objects.values_list("digest", flat=True)) == set(left.parts.values())
    assert retention.forget(NOW + timedelta(hours=1)) == ""


@pytest.mark.django_db
def test_what_was_changed_and_by_whom_stands_among_what_happened() -> None:
    policy, exchange = Key(kinds.POLICY, "/", ("cap",)), Key(kinds.EXCHANGE, "/", ("shop",))
    bound = Key(kinds.BINDING, "/", ("shop", "queue", "q1", "k", "{}"))
    objects: Snapshot = {**queues(2), policy: {"definition": {"max-length": 1}}}
    keep(objects)
    keep(
        {**objects, policy: {"definition": {"max-length": 2}}}, 1
    )  # noted by the monitor, by whom is not known
    later = {**objects, policy: {"definition": {"max-length": 3}}, exchange: {"type": "topic"}, bound: {}}
    made = keep(later, 2)
    assert made is not None
    by = [
        {"actor": "ann", "action": "policy.set"},
        {"actor": "ops", "action": "exchange.created", "told": "1"},
    ]
    Version.objects.filter(pk=made.pk).update(who=by)

    def told(queue: tuple[str, str] | None = None) -> list[str]:
        asked = Asked("default", NOW - timedelta(hours=1), NOW + timedelta(hours=1), queue)
        return [item.what for item in between(asked)]

    (whole,) = told()
    assert "policy “cap” changed" in whole
    assert "exchange “shop” added" in whole
    assert whole.endswith("by ann, ops (user of the broker)")
    (of_queue,) = told(("/", "q1"))
    assert "binding “shop → q1 (k)” added" in of_queue
    assert "exchange" not in of_queue
    assert told(("/", "q0")) == ["policy “cap” changed by ann, ops (user of the broker)"]
    assert told(("other", "q0")) == []
    # What the monitor notes of it by itself stands there no second time; what nobody else knows of stays.
    params = {"vhost": "/", "names": ["cap"], "count": 1, "what": [["max-length", "2", "3"]]}
    for seconds in (10, 600):
        at = made.at + timedelta(seconds=seconds)
        BrokerEvent.objects.create(broker="default", at=at, kind="policy_changed", params=params)
    assert told() == ["Policy cap changed in /: max-length 2 → 3", whole]
    assert told(("/", "q0")) == [
        "Policy cap changed in /: max-length 2 → 3",
        "policy “cap” changed by ann, ops (user of the broker): max-length 2 → 3",
    ]
    noted = BrokerEvent.objects.order_by("at")[0]
    BrokerEvent.objects.filter(pk=noted.pk).update(params={**params, "vhost": "other"})
    assert len(told()) == 3
