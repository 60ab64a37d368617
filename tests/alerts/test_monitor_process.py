"""The real monitor with RabbitMQ away: an alert arrives, and a kill between deciding and sending loses none."""

from __future__ import annotations

import socket
import threading

import pytest

from mqadmin.alerts.acts import channels
from mqadmin.alerts.models import Channel, Delivery, Incident, Rule
from mqadmin.alerts.rules import built_in
from mqadmin.core.acts.audit import Actor
from tests.alerts.conftest import a_channel
from tests.support import broker
from tests.support.processes import manage
from tests.support.waiting import patient, wait_until
from tests.support.web_servers import raw_server

pytestmark = [pytest.mark.processes, pytest.mark.any_database]


def test_an_alert_leaves_with_rabbitmq_away_and_survives_a_kill(process_environ: dict[str, str]) -> None:
    built_in.ensure()
    Rule.objects.filter(built_in="broker_away").update(for_s=0, changed_by="anna")
    arrived: list[socket.socket] = []

    def speak(connection: socket.socket, over: threading.Event) -> None:
        arrived.append(connection)
        if len(arrived) == 1:
            over.wait(patient(60))  # the first one is never answered
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    with raw_server(speak) as port:
        environ = (
            process_environ
            | broker.NOWHERE
            | {
                "MQADMIN_ALERT_HOOK": f"http://127.0.0.1:{port}/",
                "MQADMIN_ALERT_KEY": "key",
                "MQADMIN_ALERTS_SECONDS": "0.2",
                "MQADMIN_SAMPLE_SECONDS": "0.5",
            }
        )
        a_channel(kind="webhook", variable="MQADMIN_ALERT_HOOK", secret_variable="MQADMIN_ALERT_KEY")
        with manage(environ, "run_monitor") as monitor:
            wait_until(lambda: arrived, 20, what="the message to be on its way")
            monitor.kill()
            monitor.wait()
        message = Delivery.objects.get()
        assert (message.what, message.state, message.attempts) == ("opened", "sending", 1)
        with manage(environ, "run_monitor"):
            wait_until(lambda: Delivery.objects.get().state == "sent", 20, what="it to be sent again")
            assert (len(arrived), Delivery.objects.get().attempts) == (2, 2)
            Channel.objects.update(is_on=False)  # a test is sent all the same
            tried = channels.test(by=Actor("anna"), channel=Channel.objects.get())
    assert (tried.state, tried.what, len(arrived)) == ("sent", "test", 3)
    assert Incident.objects.get().kind == "broker_away"
