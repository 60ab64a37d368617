"""One process: started now, replaced, and its row in the table, which keeps its place."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.definitions import processes
from consumers.definitions.definitions import Conflict
from consumers.definitions.processes import REPLACE
from consumers.models import Consumer, ConsumerProcess
from consumers.scaling.placement import Host
from consumers.supervisor import reconcile
from consumers.supervisor.reconcile import Actual, Desired, Stop, View
from mqadmin.core.models import AuditEntry
from tests.consumers.conftest import BY
from tests.consumers.views.conftest import EVIL, get, text_of
from tests.support.consumers import make_consumer, make_process, make_supervisor
from tests.support.pages import html

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def actions_on(consumer: Consumer) -> list[reconcile.Action]:
    """Return what the supervisor of host-a would do now."""
    wanted = Desired(
        consumer=consumer.pk,
        name=consumer.name,
        wanted=True,
        replicas=consumer.target,
        revision=consumer.revision,
        nudge=consumer.nudge,
        stop_seconds=consumer.stop_seconds,
        rolling=consumer.rolling,
    )
    actual = [
        Actual(
            id=row.pk,
            consumer=consumer.pk,
            replica=row.replica,
            state=row.state,
            mine=True,
            alive=True,
            host="host-a",
            nudge=row.nudge,
            heartbeat_at=NOW,
            started_at=NOW,
        )
        for row in consumer.processes.filter(ended_at=None)
    ]
    view = View(now=NOW, trusted_since=NOW, me="host-a", hosts=[Host("host-a")])
    return reconcile.reconcile([wanted], actual, view)


def test_restart_of_one_has_its_supervisor_stop_that_one_alone() -> None:
    consumer = make_consumer(desired="running", replicas=3, nudge=5, rolling=True)
    _one, two, _three = (make_process(consumer) for _n in range(3))
    assert actions_on(consumer) == []

    processes.restart(process=two, by=BY)

    consumer.refresh_from_db()
    assert actions_on(consumer) == [Stop(two.pk, "restart, as asked")]
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.outcome, entry.detail["process"]) == ("consumer.restart", "done", two.pk)
    with pytest.raises(Conflict):  # a second click
        processes.restart(process=two, by=BY)


def test_restart_of_one_waits_for_a_restart_of_all() -> None:
    consumer = make_consumer(desired="running", replicas=2, nudge=5, rolling=True)
    one, _old = make_process(consumer), make_process(consumer, nudge=4)
    with pytest.raises(Conflict) as refused:
        processes.restart(process=one, by=BY)
    assert refused.value.code == "busy"
    assert ConsumerProcess.objects.get(pk=one.pk).nudge == 5


@pytest.mark.parametrize(
    ("told", "fields", "code"),
    [
        ("running", {"supervisor": ""}, "foreign"),
        ("stopped", {}, "stopped"),
        ("running", {"ended_at": NOW}, "wrong_state"),
        ("running", {"stop_requested_at": NOW}, "wrong_state"),
        ("running", {"state": "failed"}, "wrong_state"),
    ],
)
def test_restart_of_one_is_refused(told: str, fields: dict[str, Any], code: str) -> None:
    process = make_process(make_consumer(desired=told), **fields)
    with pytest.raises(Conflict) as refused:
        processes.restart(process=process, by=BY)
    assert refused.value.code == code
    assert ConsumerProcess.objects.get(pk=process.pk).nudge != REPLACE


def test_start_of_one_leaves_the_others_waiting() -> None:
    consumer = make_consumer(desired="running", replicas=2)
    later = timezone.now() + timedelta(minutes=5)
    one = make_process(consumer, state="failed", crashes=7, early_deaths=6)
    two = make_process(consumer, state="backoff", crashes=4, next_start_at=later)

    processes.start_now(process=one, by=BY)

    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, one.crashes, one.early_deaths) == ("backoff", 0, 0)
    assert one.next_start_at is not None
    assert one.next_start_at <= timezone.now()
    assert two.next_start_at == later
    with pytest.raises(Conflict):
        processes.start_now(process=make_process(consumer), by=BY)


# --- the table ---------------------------------------------------------------------------------------------------


def rows(client: Client, name: str) -> dict[str, str]:
    """Return the id of each row of the table, in order, with its text."""
    text = html(client.get(reverse("consumer_detail", args=[name])))
    found = re.findall(r'<tr id="((?:replica|process)-\d+)"[^>]*>(.*?)</tr>', text, re.S)
    return {key: re.sub(r"<[^>]+>|\s+", " ", row) for key, row in found}


def test_a_replica_keeps_its_row_through_every_change(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", replicas=3)
    places = ["replica-0", "replica-1", "replica-2"]
    assert list(rows(viewer, "orders")) == places  # nobody is there yet
    assert "not there" in rows(viewer, "orders")["replica-1"]

    two = make_process(consumer, replica=1, pid=777)
    assert list(rows(viewer, "orders")) == places
    assert "777" in rows(viewer, "orders")["replica-1"]

    ConsumerProcess.objects.filter(pk=two.pk).update(state="stopped", ended_at=timezone.now())
    make_process(consumer, replica=1, pid=778)
    found = rows(viewer, "orders")
    assert list(found) == [*places, f"process-{two.pk}"]
    assert "778" in found["replica-1"]


def test_what_something_else_started_is_said_to_be_its(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running")
    process = make_process(consumer, supervisor="", host="pod-7")
    found = rows(viewer, "orders")
    assert list(found) == [f"process-{process.pk}"]
    assert "Started by something else, which owns its lifecycle" in found[f"process-{process.pk}"]
    text = html(viewer.get(reverse("consumer_detail", args=["orders"])))
    assert reverse("process_restart", args=[process.pk]) not in text


def test_what_a_process_uses_is_drawn(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running")
    usage = [[1_000 + n, n * 3, 80 + n, 14, 31] for n in range(5)]
    make_process(consumer, cpu_percent=12, rss_bytes=84 * 2**20, threads=14, open_files=31, usage=usage)
    text = html(viewer.get(reverse("consumer_detail", args=["orders"])))
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    assert table.count('class="spark') == 2
    assert "14 threads, 31 open files" in table
    make_process(consumer, replica=1, usage=["nonsense"], cpu_percent=1)  # draws nothing, breaks nothing
    assert len(rows(viewer, "orders")) == 2


def test_kill_one_process(operator: Client) -> None:
    process = make_process(make_consumer(desired="running"))
    assert operator.post(reverse("process_kill", args=[process.pk])).status_code == 302
    assert ConsumerProcess.objects.get().kill_requested_at is not None


def test_output_is_shown_or_said_to_be_elsewhere(viewer: Client, settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    process = make_process(make_consumer())
    assert "It is not on this host" in text_of(get(viewer, "process_output", process.pk))
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / f"{process.pk}.out").write_text(f"hello {EVIL}\n")
    text = text_of(get(viewer, "process_output", process.pk))
    assert "hello &lt;script&gt;" in text
