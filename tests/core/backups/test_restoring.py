"""A restored database: all that the backup had, and nothing in it that goes on by itself."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record, SupervisorHost
from consumers.supervisor import rows as supervised
from mqadmin.alerts.models import Channel, Delivery
from mqadmin.core.acts import operations
from mqadmin.core.backups import restoring, taking
from mqadmin.core.backups.file import Manifest, Unfit, opened
from mqadmin.core.models import AuditEntry, Lease, Operation, Restored
from mqadmin.deadletters.automatic import retries
from mqadmin.deadletters.models import (
    Breaker,
    CaptureWindow,
    ClaimedBatch,
    DeadLetter,
    LetterEvent,
    PlannedRetry,
    RetentionNotice,
    RetryRule,
)
from mqadmin.passing.models import Firehose, Seen, Tap
from tests.core.backups.conftest import restore, silent
from tests.core.conftest import make_user
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(hours=2)


def take(path: Path, *, with_records: bool = True) -> Manifest:
    return taking.take(path, with_records=with_records, say=silent)


def consumer(name: str = "work", **fields: Any) -> Consumer:
    known = {"broker": "default", "queue": name, "handler": "record", "desired": "running"}
    return Consumer.objects.create(name=name, **{**known, **fields})


def process(of: Consumer, **fields: Any) -> ConsumerProcess:
    known = {
        "host": "a",
        "supervisor": "a",
        "state": "running",
        "state_since": LONG_AGO,
        "heartbeat_at": LONG_AGO,
    }
    return ConsumerProcess.objects.create(consumer=of, **{**known, **fields})


def test_consumers_are_stopped_and_no_supervisor_finds_anything_to_start_or_adopt(
    backed_up: Path, elsewhere: str
) -> None:
    autoscaled = consumer("scaled", autoscale_min=2, autoscale_max=5, autoscaled=3, desired="paused")
    works = consumer("work", is_collector=True)
    consumer("rests", desired="stopped")
    row = process(works, pid=1, pid_created=1.0, lease_until=timezone.now() + timedelta(hours=1))
    SupervisorHost.objects.create(name="a", pid=1, started_at=LONG_AGO, heartbeat_at=LONG_AGO)
    SupervisorHost.objects.create(name="b", pid=2, started_at=LONG_AGO, heartbeat_at=LONG_AGO, drained=True)
    take(backed_up)
    done = restore(backed_up, elsewhere)
    assert done.lines == [
        "Consumer scaled: stopped, it was paused. Autoscaling, from 2 to 5 processes, is off.",
        "Consumer work: stopped, it was running.",
    ]
    with restoring.connected_to(elsewhere):
        assert set(Consumer.objects.values_list("desired", "autoscale_max")) == {("stopped", 0)}
        assert supervised.visible() == []
        assert not [wanted for wanted in supervised.desired(timezone.now()) if wanted.wanted]
        row.refresh_from_db()
        assert (row.state, row.lease_until) == ("lost", None)
        assert row.ended_at is not None
        assert "restored from a backup" in row.exit_reason
        assert list(SupervisorHost.objects.values_list("name", flat=True)) == ["b"]
        assert ConsumerEvent.objects.get(consumer=autoscaled).text.endswith("from 2 to 5 processes, is off.")
    assert set(Consumer.objects.values_list("desired", flat=True)) == {"running", "paused", "stopped"}


def test_operations_are_cancelled_with_the_reason_and_what_they_held_is_in_the_inbox(
    backed_up: Path, elsewhere: str
) -> None:
    known = {"kind": "dead_letters.requeue", "created_by": "ann", "total": 9, "done": 4}
    running = Operation.objects.create(
        status="running", summary="Requeue 9", lease_owner="w", lease_until=timezone.now(), **known
    )
    for status in ("pending", "paused", "done"):
        Operation.objects.create(status=status, summary=status, **known)
    flying, claimed, back = (
        letter(),
        letter(status="requeueing", operation=running, requeue_id="x-1"),
        letter(),
    )
    ClaimedBatch.objects.create(
        operation=running, first=flying.pk, last=flying.pk, ids=[flying.pk], mark="0123-", at=LONG_AGO
    )
    take(backed_up)
    ClaimedBatch.objects.all().delete()  # it would keep its letter from being deleted after the test
    done = restore(backed_up, elsewhere)
    assert done.lines[0] == f"Operation {running.pk}, which was running, is cancelled after 4 of 9: Requeue 9"
    assert "2 letters were on their way: they are in the inbox, and may have been requeued." in done.lines
    with restoring.connected_to(elsewhere):
        assert sorted(Operation.objects.values_list("status", flat=True)) == ["cancelled"] * 3 + ["done"]
        assert operations.orphans() == []
        running.refresh_from_db()
        assert running.error.startswith("Held back: the database was restored from a backup of 20")
        assert running.lease_until is None
        for row in (flying, claimed):
            row.refresh_from_db()
            assert row.status == "parked"
            assert "it may have been requeued already" in row.status_reason
            assert LetterEvent.objects.filter(letter=row, kind="returned").exists()
        assert flying.requeue_id == f"0123-{flying.pk}"  # a copy that dies again is known by it
        assert not ClaimedBatch.objects.exists()
        back.refresh_from_db()
        assert (back.status, back.status_reason) == ("parked", "")


def test_rules_breakers_and_planned_retries_wait_for_a_person(backed_up: Path, elsewhere: str) -> None:
    due = letter()
    rule = RetryRule.objects.create(
        broker="default", vhost="/", source="orders", is_on=True, changed_by="ann"
    )
    PlannedRetry.objects.create(letter=due, rule=rule, number=1, due_at=LONG_AGO)
    Breaker.objects.create(consumer=consumer(), is_on=True, state="open", changed_by="ann")
    CaptureWindow.objects.create(broker="default", vhost="/", queue="dlx.orders", first=due.pk, last=due.pk)
    RetentionNotice.objects.create(status="discarded", days=30, at=LONG_AGO)
    take(backed_up)
    done = restore(backed_up, elsewhere)
    assert "The rule that requeues letters of /:orders is off." in done.lines
    assert "The breaker of work is off." in done.lines
    with restoring.connected_to(elsewhere):
        assert retries.step() == 0
        RetryRule.objects.update(is_on=True)  # by a person: what was due long ago is not sent at once
        assert retries.step() == 0
        assert PlannedRetry.objects.get().state == "left"
        assert LetterEvent.objects.filter(letter=due, kind="left").exists()
        breaker = Breaker.objects.get()
        assert (breaker.is_on, breaker.state) == (False, "closed")
        assert not CaptureWindow.objects.exists()
        assert not RetentionNotice.objects.exists()
        assert not Operation.objects.exists()


def test_alerts_taps_leases_and_sessions_of_then_are_over(backed_up: Path, elsewhere: str) -> None:
    channel = Channel.objects.create(name="mail", variable="MQADMIN_ALERT_MAIL")
    for state in ("due", "sending", "sent"):
        Delivery.objects.create(channel=channel, what="opened", severity=1, title=state, text="", state=state)
    Tap.objects.create(
        broker="default", vhost="/", kind="queue", rate=1, state="running", created_by="ann", ends_at=LONG_AGO
    )
    Firehose.objects.create(broker="default", vhost="/shop")
    Lease.objects.create(name="alerts", holder="x", expires_at=timezone.now() + timedelta(hours=1))
    Session.objects.create(
        session_key="k" * 32, session_data="", expire_date=timezone.now() + timedelta(days=1)
    )
    take(backed_up)
    done = restore(backed_up, elsewhere)
    assert "2 messages of alerts that waited are not sent." in done.lines
    assert "Tracing of /shop on default was on for a tap. Switch it off there if it still is." in done.lines
    with restoring.connected_to(elsewhere):
        assert dict(Delivery.objects.values_list("title", "state")) == {
            "due": "failed",
            "sending": "failed",
            "sent": "sent",
        }
        assert Tap.objects.get().state == "ended"
        assert not Firehose.objects.exists()
        assert not Lease.objects.exists()
        assert not Session.objects.exists()


def test_no_id_that_was_given_out_is_given_out_again(backed_up: Path, elsewhere: str) -> None:
    before = letter()
    take(backed_up)
    since = [letter().pk for _number in range(3)]
    restore(backed_up, elsewhere)
    with restoring.connected_to(elsewhere):
        assert DeadLetter.objects.get().pk == before.pk
        assert letter().pk > max(since) + 1_000
        if connection.vendor == "postgresql":  # a partition's id decides where it goes
            Record.objects.create(consumer=consumer(), queue="q", outcome="acked", started_at=timezone.now())


def test_records_are_left_out_where_that_is_wanted(backed_up: Path, elsewhere: str) -> None:
    one = consumer()
    Record.objects.create(consumer=one, queue="q", outcome="acked", started_at=timezone.now())
    tap = Tap.objects.create(
        broker="default", vhost="/", kind="queue", rate=1, state="ended", created_by="ann", ends_at=LONG_AGO
    )
    Seen.objects.create(tap=tap, at=LONG_AGO, body=b"x")
    manifest = take(backed_up, with_records=False)
    assert manifest.left_out == ["consumers_record", "django_session", "passing_replayed", "passing_seen"]
    assert "consumers_record" not in manifest.counts
    assert manifest.counts["consumers_consumer"] == 1
    with opened(backed_up) as (_archive, kept):
        assert kept == manifest
    restore(backed_up, elsewhere)
    with restoring.connected_to(elsewhere):
        assert not Record.objects.exists()
        assert not Seen.objects.exists()
        assert Consumer.objects.get().name == "work"


def test_a_target_with_data_is_replaced_only_when_told_so_and_is_kept(
    backed_up: Path, elsewhere: str
) -> None:
    make_user("admin")
    take(backed_up)
    assert restore(backed_up, elsewhere).kept == ""
    with restoring.connected_to(elsewhere):
        letter(b"captured since")
    with pytest.raises(Unfit, match=r"has data\. With --replace"):
        restore(backed_up, elsewhere)
    with restoring.connected_to(elsewhere):
        assert DeadLetter.objects.count() == 1
    done = restore(backed_up, elsewhere, replace=True)
    with restoring.connected_to(elsewhere):
        assert not DeadLetter.objects.exists()
    with restoring.connected_to(done.kept):
        assert bytes(DeadLetter.objects.get().body) == b"captured since"


def test_one_that_fails_leaves_all_as_it_was(
    backed_up: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    take(backed_up)
    restore(backed_up, elsewhere)
    with restoring.connected_to(elsewhere):
        letter()
    files = sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm")))

    def fail(_reason: str) -> list[str]:
        raise RuntimeError("in the middle")

    monkeypatch.setattr("mqadmin.core.hooks.restored", fail)
    with pytest.raises(RuntimeError):
        restore(backed_up, elsewhere, replace=True)
    left = [path.name for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))]
    assert sorted(left) == files
    with restoring.connected_to(elsewhere):
        assert DeadLetter.objects.count() == 1
        assert Restored.objects.count() == 1


def test_it_is_refused_while_processes_are_at_work(backed_up: Path, elsewhere: str) -> None:
    take(backed_up)
    restore(backed_up, elsewhere)
    now = timezone.now()
    with restoring.connected_to(elsewhere):
        Lease.objects.create(name="monitor:default", holder="h:1", expires_at=now, renewed_at=now)
        SupervisorHost.objects.create(name="a", pid=7, started_at=now, heartbeat_at=now)
        by_hand = consumer("byhand")
        process(by_hand, supervisor="", pid=8, heartbeat_at=now)
    with pytest.raises(Unfit) as refused:
        restore(backed_up, elsewhere, replace=True)
    for words in ("“monitor:default”, h:1", "the supervisor a (pid 7)", "a process of byhand on a (pid 8)"):
        assert words in str(refused.value)


def test_of_another_kind_of_database_it_is_refused(backed_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take(backed_up)
    other = "postgresql" if connection.vendor == "sqlite" else "sqlite"
    monkeypatch.setattr(connection, "vendor", other)
    with pytest.raises(Unfit, match="is restored into the kind of database that it was taken from"):
        restoring.restore(backed_up, replace=True, say=silent)


def test_both_are_audited_and_the_pages_say_so_until_somebody_dismisses_it(
    backed_up: Path, elsewhere: str
) -> None:
    viewer, operator = make_user("viewer"), make_user("operator")
    consumer("<script>alert(1)</script>"[:20])
    out = StringIO()
    call_command("backup", str(backed_up), stdout=out)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.via, entry.outcome) == ("database.backup", "shell", "done")
    assert str(backed_up) in out.getvalue()
    with pytest.raises(CommandError, match="nothing is overwritten"):
        call_command("backup", str(backed_up), stdout=out)
    call_command("restore", str(backed_up), check=True, stdout=out)
    assert "is whole, and can be restored" in out.getvalue()
    with restoring.connected_to(elsewhere):
        call_command("restore", str(backed_up), stdout=out)
        assert "Accounts, passwords, API tokens and roles are those of then" in " ".join(
            out.getvalue().split()
        )
        entry = AuditEntry.objects.get(action="database.restore")
        assert entry.detail["stood_down"][0].startswith("Consumer <script>")
        _is_said_until_dismissed(viewer, operator)


def _is_said_until_dismissed(viewer: Any, operator: Any) -> None:
    client = Client()
    client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
    text = client.get("/audit/").content.decode()
    assert "This database was restored from a backup of" in text
    assert "Consumer <script>" not in text
    address = f"/restored/{Restored.objects.get().pk}/dismiss/"
    assert client.post(address).status_code == 403
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(address, {"next": "/consumers/"}).headers["Location"] == "/consumers/"
    assert "This database was restored" not in client.get("/audit/").content.decode()
    assert Restored.objects.get().dismissed_by == "operator"
    assert client.post(address).status_code == 409


def test_a_backup_of_before_an_upgrade_is_migrated(backed_up: Path, elsewhere: str) -> None:
    take(backed_up)
    done = restore(backed_up, elsewhere)
    assert "core" in done.manifest.migrations
    with restoring.connected_to(elsewhere):
        call_command("migrate", "core", "0002", verbosity=0)
        older = backed_up.with_name("older.zip")
        manifest = take(older)
        assert "0004_restored" not in manifest.migrations["core"]
    restore(older, elsewhere, replace=True)
    with restoring.connected_to(elsewhere):
        assert Restored.objects.exists()
