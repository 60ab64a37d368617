"""The hosts: what is said of each, who may drain one, and that it is audited."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.definitions.definitions import Conflict
from consumers.models import ConsumerProcess, SupervisorHost
from consumers.supervisor import hosts
from mqadmin.core.models import AuditEntry
from tests.consumers.conftest import BY
from tests.support.consumers import make_consumer, make_process, make_supervisor
from tests.support.pages import html

pytestmark = pytest.mark.django_db

PAGE = "/consumers/hosts/"


def text_of(client: Client) -> str:
    return re.sub(r"\s+", " ", html(client.get(PAGE)))


def busy_host(name: str, count: int, **fields: Any) -> SupervisorHost:
    """Make a host with so many live processes."""
    host = make_supervisor(name)
    SupervisorHost.objects.filter(pk=host.pk).update(**fields)
    consumer = make_consumer()
    for _n in range(count):
        make_process(consumer, host=name, supervisor=name)
    host.refresh_from_db()
    return host


def test_no_host_is_said_to_be_none(viewer: Client) -> None:
    text = text_of(viewer)
    assert "No host runs consumers" in text
    assert ("set DATABASE_URL to PostgreSQL" in text) == (connection.vendor == "sqlite")


def test_what_each_holds_and_how_it_is(viewer: Client) -> None:
    now = timezone.now()
    busy_host("app-1", 3, capacity=3, labels={"zone": "a", "gpu": ""}, machine="m-1", version="1.2.3")
    busy_host("app-2", 1, drained=True)
    busy_host("app-3", 0, heartbeat_at=now - timedelta(minutes=12))

    text = text_of(viewer)

    assert "gpu, zone=a" in text
    assert "Full: nothing more is started here." in text
    assert "Drained: nothing new is started here. 1 process goes on." in text
    assert "Silent for 12 min" in text
    assert text.index("app-1") < text.index("app-2") < text.index("app-3")


def test_one_that_waits_to_start_again_takes_room_but_does_not_go_on() -> None:
    host = busy_host("app-1", 2)
    make_process(make_consumer(), supervisor="app-1", state="backoff")
    make_process(make_consumer(), supervisor="app-1", ended_at=timezone.now())
    (state,) = hosts.states()
    assert (state.row, state.running, state.held) == (host, 2, 3)


def test_the_question_states_the_count(admin: Client) -> None:
    busy_host("app-1", 12)
    text = text_of(admin)
    assert "12 processes go on. Nothing new is started there until you take it back." in text


def test_drain_and_take_back_are_audited_and_once_only() -> None:
    host = busy_host("app-1", 2)

    hosts.drain(host=host, by=BY)

    assert SupervisorHost.objects.get().drained
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.target, entry.outcome) == ("host.drain", "app-1", "done")
    assert entry.detail == {"running": 2}
    with pytest.raises(Conflict):
        hosts.drain(host=host, by=BY)
    assert AuditEntry.objects.latest("id").outcome == "refused"

    hosts.undrain(host=host, by=BY)
    assert not SupervisorHost.objects.get().drained
    with pytest.raises(Conflict):
        hosts.undrain(host=host, by=BY)


def test_one_that_is_gone_is_forgotten_once_and_audited() -> None:
    long_ago = timezone.now() - timedelta(minutes=12)
    host = busy_host("app-1", 1, heartbeat_at=long_ago, drained=True)
    (state,) = hosts.states()
    assert (state.is_silent, state.is_gone) == (True, True)
    assert "silent for 12 min? If its supervisor starts again the host is back, and no longer drained." in (
        state.forget_question
    )

    hosts.forget(host=host, by=BY)

    assert not SupervisorHost.objects.exists()
    assert ConsumerProcess.objects.count() == 1, "what is known of its processes stays"
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.target, entry.outcome) == ("host.forget", "app-1", "done")
    assert entry.detail == {"heartbeat_at": long_ago.isoformat(), "drained": True}
    with pytest.raises(Conflict):
        hosts.forget(host=host, by=BY)


@pytest.mark.parametrize("seconds", [0, 55])
def test_one_that_may_be_back_any_moment_is_not_forgotten(seconds: int) -> None:
    host = make_supervisor("app-1", heartbeat_at=timezone.now() - timedelta(seconds=seconds))
    assert not hosts.states()[0].is_gone
    with pytest.raises(Conflict, match="stop that first"):
        hosts.forget(host=host, by=BY)
    assert SupervisorHost.objects.exists()
    assert AuditEntry.objects.latest("id").outcome == "refused"


def test_one_that_reports_after_the_page_was_drawn_is_not_forgotten() -> None:
    host = make_supervisor("app-1", heartbeat_at=timezone.now() - timedelta(minutes=12))
    SupervisorHost.objects.update(heartbeat_at=timezone.now())
    with pytest.raises(Conflict):
        hosts.forget(host=host, by=BY)
    assert SupervisorHost.objects.exists()


def test_only_admins_drain(operator: Client, admin: Client) -> None:
    make_supervisor("app-1")
    drain, undrain = (reverse(name, args=["app-1"]) for name in ("host_drain", "host_undrain"))
    assert operator.post(drain).status_code == 403
    assert not SupervisorHost.objects.get().drained
    assert admin.post(drain).status_code == 302
    assert SupervisorHost.objects.get().drained
    assert "Take it back" in text_of(admin)
    assert admin.post(undrain).status_code == 302
    assert not SupervisorHost.objects.get().drained
    assert admin.post(reverse("host_drain", args=["nowhere"])).status_code == 404


def test_only_admins_forget_and_only_what_is_gone(operator: Client, admin: Client) -> None:
    make_supervisor("app-1")
    forget = reverse("host_forget", args=["app-1"])
    assert "Forget" not in text_of(admin)
    assert admin.post(forget).status_code == 409
    SupervisorHost.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=12))
    assert "Forget app-1, silent for 12 min?" in text_of(admin)
    assert operator.post(forget).status_code == 403
    assert admin.get(forget).status_code == 405
    assert SupervisorHost.objects.exists()
    assert admin.post(forget).status_code == 302
    assert "app-1" not in text_of(admin).partition("</main>")[0].partition('id="hosts"')[2]
    assert admin.post(forget).status_code == 404


def test_names_of_hosts_are_never_markup(viewer: Client) -> None:
    make_supervisor("<script>alert(1)</script>")
    SupervisorHost.objects.update(labels={"<b>": "<i>"}, machine="<u>", version="<s>")
    text = text_of(viewer)
    assert "<script>alert(1)" not in text
    assert not re.search(r"<b>=|<i>,|<u>|<s>", text)
    assert "&lt;script&gt;" in text
