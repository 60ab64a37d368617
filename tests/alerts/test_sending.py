"""Messages leave by real protocols, to a mail server and an HTTP server; answers are kept without secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from mqadmin.alerts.acts import channels, incidents
from mqadmin.alerts.models import Channel, Delivery, Incident
from mqadmin.alerts.pages import channels as pages
from mqadmin.alerts.telling import links, messages, outbox, services
from mqadmin.alerts.telling.answers import Answer, clean
from mqadmin.alerts.telling.heartbeat import FAILURES, Heartbeat
from mqadmin.alerts.telling.senders import Senders
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from tests.alerts.conftest import a_channel
from tests.support.mail_server import MailServer, mail_server
from tests.support.waiting import wait_until
from tests.support.web_servers import Server, http_server, raw_server

ANNA = Actor("anna")
PASSWORD = "s3cret-Passw0rd"


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with mail_server() as server:
        address = f"mailto://127.0.0.1:{server.port}/?from=mqadmin@shop.example&to=oncall@shop.example"
        monkeypatch.setenv("MQADMIN_ALERT_MAIL", address)
        yield server


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with http_server() as server:
        monkeypatch.setenv("MQADMIN_ALERT_HOOK", f"{server.url}/hook/{PASSWORD}?token={PASSWORD}")
        monkeypatch.setenv("MQADMIN_ALERT_KEY", "the key")
        yield server


def a_webhook(**values: object) -> Channel:
    return a_channel(
        **{
            "name": "hook",
            "kind": "webhook",
            "variable": "MQADMIN_ALERT_HOOK",
            "secret_variable": "MQADMIN_ALERT_KEY",
        }
        | values
    )


@pytest.mark.any_database
def test_a_mail_is_sent_and_a_refusal_is_told_in_the_servers_words(monitor: None, mail: MailServer) -> None:
    channel = a_channel()
    found = channels.test(by=ANNA, channel=channel)
    assert (found.state, found.attempts) == ("sent", 1)
    assert mail.mails[0]["subject"] == "[test] mqadmin"
    assert mail.mails[0]["to"] == "oncall@shop.example"
    body = mail.mails[0].get_body(["plain"]) or mail.mails[0].get_body()
    assert body is not None
    assert "A test of mqadmin's channel “mail”, asked for by anna." in body.get_content()
    mail.refusal = "554 5.7.1 we take nothing from you"
    found = channels.test(by=ANNA, channel=channel)
    assert found.state == "failed"
    assert "we take nothing from you" in found.answer
    assert AuditEntry.objects.filter(action="alert_channel.test").count() == 2


def test_a_webhook_is_signed_and_its_address_is_in_no_answer(monitor: None, web: Server) -> None:
    channel = a_webhook()
    found = channels.test(by=ANNA, channel=channel)
    assert (found.state, found.answer) == ("sent", "HTTP 200 OK thanks")
    request = web.requests[0]
    signed = request.headers["X-Mqadmin-Timestamp"].encode() + b"." + request.body
    expected = "sha256=" + hmac.new(b"the key", signed, hashlib.sha256).hexdigest()
    assert request.headers["X-Mqadmin-Signature"] == expected
    assert json.loads(request.body)["event"] == "test"
    web.status, web.body = 403, f"no: {request.path} {PASSWORD} the key".encode()
    found = channels.test(by=ANNA, channel=channel)
    assert found.state == "failed"
    assert found.answer.startswith("HTTP 403 Forbidden no: ")
    assert PASSWORD not in found.answer
    assert "the key" not in found.answer


def test_apprise_speaks_and_what_it_logs_has_no_address(
    monitor: None, web: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"json://user:{PASSWORD}@127.0.0.1:{web.port}/{PASSWORD}"
    monkeypatch.setenv("MQADMIN_ALERT_MAIL", address)
    assert channels.test(by=ANNA, channel=a_channel()).state == "sent"
    web.status = 500
    found = channels.test(by=ANNA, channel=Channel.objects.get())
    assert "500" in found.answer
    monkeypatch.setenv("MQADMIN_ALERT_MAIL", f"nonsense://{PASSWORD}")
    unreadable = channels.test(by=ANNA, channel=Channel.objects.get())
    assert unreadable.answer.startswith("apprise cannot read the address in MQADMIN_ALERT_MAIL.")
    assert PASSWORD not in found.answer + unreadable.answer
    monkeypatch.setenv("MQADMIN_ALERT_MAIL", f"http://127.0.0.1:{web.port}/{PASSWORD}")
    plain = channels.test(by=ANNA, channel=Channel.objects.get())
    assert (plain.state, "signed webhook" in plain.answer) == ("failed", True)
    assert PASSWORD not in plain.answer
    assert not logging.getLogger("apprise").propagate


def test_a_variable_that_is_not_set_is_named(monitor: None) -> None:
    channel = a_webhook()
    assert pages.missing(channel) == ["MQADMIN_ALERT_HOOK", "MQADMIN_ALERT_KEY"]
    found = channels.test(by=ANNA, channel=channel)
    assert (
        found.answer == "The environment variable MQADMIN_ALERT_HOOK is not set in this process, or is empty."
    )


@pytest.mark.parametrize("name", ["DATABASE_URL", "MQADMIN_SECRET_KEY", "MQADMIN_ALERT_", "MQADMIN_ALERT_a"])
def test_no_other_variable_can_be_sent_somewhere(db: None, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        channels.create(by=ANNA, name="mail", variable=name)
    assert "variable" in refused.value.fields


def test_parts_of_an_address_are_taken_out_however_they_are_written() -> None:
    address = "mailtos://joe%40x:p%40ss-W0rd@smtp.example:465?to=a1b2c3@shop.example"
    said = "login joe@x with p@ss-W0rd (p%40ss-W0rd) refused\nby smtp.example for a1b2c3"
    assert clean(said, (address,)).count("•••") >= 3
    assert "W0rd" not in clean(said, (address,))


def an_incident() -> Incident:
    now = timezone.now()
    return Incident.objects.create(
        broker="default", kind="broker_away", severity=3, title="It is away", opened_at=now, firing=1, most=1
    )


def due(channel: Channel, incident: Incident, what: str = "opened") -> Delivery:
    found = messages.about(incident, [], what=what, channel=channel, now=timezone.now(), count=1)
    found.save()
    return found


@pytest.fixture
def senders() -> Iterator[Senders]:
    stop = threading.Event()
    found = Senders("me:1", 60, stop)
    yield found
    stop.set()
    found.join(15)


def state_of(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def test_a_service_that_hangs_delays_no_other(
    transactional_db: None, senders: Senders, web: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    with raw_server(lambda _connection, _over: let_go.wait(30)) as port:
        monkeypatch.setenv("MQADMIN_ALERT_HUNG", f"http://127.0.0.1:{port}/")
        incident = an_incident()
        hung = due(a_webhook(name="hung", variable="MQADMIN_ALERT_HUNG"), incident)
        fine = due(a_webhook(), incident)
        assert senders.look() == 2
        wait_until(lambda: state_of(fine) == "sent", 10)
        assert state_of(hung) == "sending"
        assert senders.look() == 0  # it has a thread already
        let_go.set()
    wait_until(lambda: state_of(hung) == "due", 15)
    assert hung.attempts == 1
    assert hung.next_at is not None
    assert hung.answer


def test_one_that_failed_is_tried_again_and_its_end_waits_for_it(db: None) -> None:
    channel, incident = a_channel(), an_incident()
    first, end = due(channel, incident), due(channel, incident, "resolved")
    now = timezone.now()
    assert [item.id for item in outbox.due(now)] == [first.pk]
    claimed = outbox.claim(first.pk, "me", now)
    assert claimed is not None
    assert outbox.claim(first.pk, "another", now) is None
    assert outbox.due(now) == []
    assert outbox.finish(claimed, Answer(False, "HTTP 503"), now) == "due"
    assert outbox.due(now) == []
    later = now + timedelta(seconds=15)
    claimed = outbox.claim(outbox.due(later)[0].id, "me", later)
    assert claimed is not None
    assert outbox.finish(claimed, Answer(True, "fine"), later) == "sent"
    assert [item.id for item in outbox.due(later)] == [end.pk]
    old = outbox.claim(end.pk, "me", later)
    assert old is not None
    assert outbox.finish(old, Answer(False, "HTTP 503"), later + timedelta(days=1)) == "failed"


def test_what_a_dead_process_had_in_hand_is_sent_again_and_its_answer_comes_too_late(db: None) -> None:
    channel, incident, now = a_channel(), an_incident(), timezone.now()
    delivery = due(channel, incident)
    lost = outbox.claim(delivery.pk, "dead", now)
    assert lost is not None
    assert outbox.take_back(now + timedelta(seconds=39), 40, ()) == 0
    assert outbox.take_back(now + timedelta(seconds=41), 40, (delivery.pk,)) == 0  # it is in hand here
    assert outbox.take_back(now + timedelta(seconds=41), 40, ()) == 1
    taken = outbox.claim(delivery.pk, "me", now)
    assert taken is not None
    assert outbox.finish(lost, Answer(False, "too late"), now) == ""
    assert outbox.finish(taken, Answer(True, "fine"), now) == "sent"


def test_the_heartbeat_is_asked_and_its_failures_are_told(web: Server) -> None:
    heartbeat = Heartbeat(f"{web.url}/{PASSWORD}")
    heartbeat.beat()
    wait_until(lambda: len(web.requests) == 1)
    heartbeat.beat()
    web.status = 404
    for _turn in range(FAILURES):
        assert heartbeat.fault == ""
        heartbeat.ask()
    assert heartbeat.fault == "HTTP 404"
    web.status = 200
    assert heartbeat.ask()
    assert heartbeat.fault == ""
    assert len(web.requests) == 2 + FAILURES  # the second beat came too early


def test_a_link_of_a_message_finds_its_incident_for_a_while(
    db: None, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MQADMIN_PUBLIC_URL = "https://mq.example"  # type: ignore[attr-defined]
    incident = an_incident()
    message = messages.about(incident, [], what="opened", channel=a_channel(), now=timezone.now(), count=1)
    token = links.token(incident)
    assert f"https://mq.example/alerts/incidents/{incident.pk}/" in message.text
    assert f"https://mq.example/alerts/links/{token}/" in links.acting(incident)
    assert incidents.by_link(token) == incident
    with pytest.raises(Refusal, match="not one of mqadmin's"):
        incidents.by_link(f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}")
    monkeypatch.setattr(
        signing.time, "time", lambda: timezone.now().timestamp() + links.VALID.total_seconds() + 5
    )
    with pytest.raises(Refusal, match="has expired"):
        incidents.by_link(token)


def test_a_faulty_answer_is_an_answer(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MQADMIN_ALERT_HOOK", "postgres://user:hunter2@db/")
    monkeypatch.setenv("MQADMIN_ALERT_KEY", "k")
    message = services.Message("t", "x", 1, 1)
    assert (
        services.send(a_webhook(), message).text
        == "The address of a webhook begins with https:// or http://."
    )
