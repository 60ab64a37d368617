"""The thread in the monitor, on a real broker and on none."""

from __future__ import annotations

import threading

import pytest

from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from mqadmin.definitions.keeping import asking
from mqadmin.definitions.keeping.thread import DefinitionsThread
from mqadmin.definitions.models import Version, Watch
from mqadmin.rabbit.errors import RabbitError
from tests.definitions.conftest import Town

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_it_looks_when_it_is_due_or_something_was_done_here(town: Town) -> None:
    body = DefinitionsThread("default", 3600, threading.Event())
    assert body.turn()
    assert Version.objects.count() == 1
    assert not body.turn()  # an hour has not passed
    AuditEntry.objects.create(actor="ann", action="queue.peek", broker="default", outcome="done")
    assert not body.turn()
    AuditEntry.objects.create(actor="ann", action="policy.set", broker="default", outcome="done")
    assert body.turn()
    asking.want("default")
    assert body.turn()
    assert not body.turn()
    other = DefinitionsThread("default", 3600, threading.Event())
    other._holder = "another host"
    assert not other.turn()  # one of the installation leads


@pytest.mark.django_db(transaction=True)
def test_a_fault_is_written_down_and_goes_when_it_is_over(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking.look("default")
    refused = {"RABBITMQ_MANAGEMENT_URL": "http://nobody:wrong@"}
    base = brokers.config("default").management_url
    at = base.partition("@")[2]
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", refused["RABBITMQ_MANAGEMENT_URL"] + at)
    brokers.forget()
    with pytest.raises(RabbitError):
        asking.look("default")
    watch = Watch.objects.get(broker="default")
    assert watch.fault_code == "login_refused"
    assert "wrong" not in watch.fault
    monkeypatch.undo()
    brokers.forget()
    asking.look("default")
    watch.refresh_from_db()
    assert (watch.fault, watch.fault_code) == ("", "")
