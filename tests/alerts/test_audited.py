"""Acts of the audit log arrive at a webhook: signed, in order, again until they are taken."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from mqadmin.alerts.telling import audited, services
from mqadmin.alerts.telling.audited import Teller
from mqadmin.core.acts import audit, leases
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry, Lease
from tests.support.waiting import patient, wait_until
from tests.support.web_servers import Server, http_server

ADA = Actor("ada", "api")


@pytest.fixture
def web() -> Iterator[Server]:
    with http_server() as server:
        yield server


def act(action: str = "queue.purge", **given: object) -> None:
    with audit.act(by=ADA, action=action, broker="default", target="/ orders", detail=given):
        pass


def sent(web: Server) -> list[dict[str, object]]:
    return [json.loads(request.body) for request in web.requests]


def test_each_act_arrives_once_signed_and_in_order(db: None, web: Server) -> None:
    act(why="too many")
    act("queue.move")
    teller = Teller(web.url, "the key")
    assert teller.turn() == audited.EVERY_S
    teller.turn()
    first, second = sent(web)
    assert (first["action"], second["action"]) == ("queue.purge", "queue.move")
    assert first | {"id": 0, "at": "", "finished_at": ""} == {
        "event": "audit", "id": 0, "at": "", "actor": "ada", "via": "api", "action": "queue.purge",
        "words": "purged", "broker": "default", "target": "/ orders", "count": None, "outcome": "done",
        "reason": "", "detail": {"why": "too many"}, "finished_at": "",
    }  # fmt: skip
    request = web.requests[0]
    stamp = request.headers[services.TIMESTAMP]
    assert request.headers[services.SIGNATURE] == services.signature("the key", stamp, request.body)
    assert request.headers[services.DELIVERY] == str(first["id"])


def test_what_is_not_taken_is_sent_again_before_what_came_later(db: None, web: Server) -> None:
    act("queue.purge")
    act("queue.move")
    teller = Teller(web.url, "the key")
    web.status = 500
    assert [teller.turn(), teller.turn()] == [5.0, 10.0]
    web.status = 200
    teller.turn()
    assert [item["action"] for item in sent(web)] == ["queue.purge"] * 3 + ["queue.move"]
    assert AuditEntry.objects.filter(told_at__isnull=True).count() == 0


def test_what_has_not_ended_waits_what_is_a_day_old_does_not(db: None, web: Server) -> None:
    now = timezone.now()
    for action, age, is_over in (
        ("old", timedelta(days=2), True),
        ("died", timedelta(minutes=11), False),
        ("at.work", timedelta(minutes=1), False),
    ):
        entry = AuditEntry.objects.create(actor="ada", action=action)
        AuditEntry.objects.filter(pk=entry.pk).update(
            at=now - age, finished_at=now - age if is_over else None
        )
    Teller(web.url, "the key").turn()
    assert [(item["action"], item["outcome"]) for item in sent(web)] == [("died", "intent")]


def test_one_monitor_sends_at_a_time(db: None, web: Server) -> None:
    act()
    assert leases.acquire(audited.LEASE, "another", 60)
    assert Teller(web.url, "the key").turn() > audited.EVERY_S
    assert web.requests == []


def test_the_thread_sends_while_the_monitor_runs_and_ends_with_it(
    transactional_db: None, web: Server, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    assert audited.start(stop) is None  # nowhere to
    settings.MQADMIN_AUDIT_WEBHOOK = web.url  # type: ignore[attr-defined]
    monkeypatch.delenv(audited.SECRET, raising=False)
    assert audited.start(stop) is None  # nothing unsigned
    monkeypatch.setenv(audited.SECRET, "the key")
    act()
    thread = audited.start(stop)
    assert thread is not None
    wait_until(lambda: AuditEntry.objects.get().told_at is not None, 20, what="the act to be told")
    stop.set()
    thread.join(patient(20))
    assert not thread.is_alive()
    assert not Lease.objects.filter(name=audited.LEASE).exists()
