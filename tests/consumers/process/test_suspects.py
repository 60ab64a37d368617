"""Which processes count as dead for the notes of messages that came back."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psutil
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consumers.models import Consumer, ConsumerProcess
from consumers.process import suspects
from consumers.process.suspects import SuspectNotes
from tests.consumers.handlers.deliveries import delivery
from tests.support.consumers import make_consumer, make_process
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db

BACK = delivery(b"{}", redelivered=True)
ME = {"host": socket.gethostname(), "pid": os.getpid(), "pid_created": psutil.Process().create_time()}


def deaths(holder: ConsumerProcess, consumer: Consumer) -> int:
    """Have `holder` note the message, and return the deaths that another process then knows of."""
    SuspectNotes(consumer_id=consumer.pk, process_id=holder.pk).begin(BACK, 1)
    return SuspectNotes(consumer_id=consumer.pk, process_id=make_process(consumer).pk).known(BACK)


def test_one_that_lost_its_connection_only_did_not_die() -> None:
    """The message went to another process: that is no reason to take it for dangerous."""
    consumer = make_consumer()
    assert deaths(make_process(consumer, **ME), consumer) == 1


@pytest.mark.parametrize("field", ["pid", "pid_created"])
def test_one_whose_pid_is_gone_or_somebody_elses_died(field: str) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    values = {**ME, "pid": ended.pid} if field == "pid" else {**ME, "pid_created": 1.0}
    values["supervisor"] = ""  # else it is waited for what its supervisor says
    consumer = make_consumer()
    assert deaths(make_process(consumer, **values), consumer) == 2


@pytest.mark.parametrize(("kills", "known"), [(1, 1), (0, 2)], ids=["killed from outside", "by itself"])
def test_a_kill_from_outside_is_not_the_messages_doing(kills: int, known: int) -> None:
    """Killed three times with the same message in hand, it would be dead-lettered for somebody else's doing."""
    consumer = make_consumer()
    values = {**ME, "pid_created": 1.0, "kills": kills, "state": ConsumerProcess.State.BACKOFF}
    assert deaths(make_process(consumer, **values), consumer) == known


@pytest.mark.django_db(transaction=True)
def test_how_it_ended_is_waited_for_where_its_supervisor_has_yet_to_say() -> None:
    consumer = make_consumer()
    holder = make_process(consumer, **{**ME, "pid_created": 1.0})

    def say() -> None:
        ConsumerProcess.objects.filter(pk=holder.pk).update(state=ConsumerProcess.State.BACKOFF, kills=1)
        connection.close()

    timer = threading.Timer(0.3, say)
    timer.start()
    assert deaths(holder, consumer) == 1
    timer.join()


def test_one_that_nobody_has_reaped_yet_died() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = psutil.Process(child.pid)
        values = {"host": ME["host"], "pid": child.pid, "pid_created": found.create_time(), "supervisor": ""}
        child.kill()
        wait_until(lambda: found.status() == psutil.STATUS_ZOMBIE, what="a zombie")
        consumer = make_consumer()
        assert deaths(make_process(consumer, **values), consumer) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"state": ConsumerProcess.State.BACKOFF},
        {"state": ConsumerProcess.State.FAILED},
        {"ended_at": timezone.now()},
        {"heartbeat_at": None},
        {"heartbeat_at": timezone.now() - timedelta(hours=1)},
    ],
    ids=["backoff", "failed", "ended", "never heard of", "silent"],
)
def test_one_elsewhere_that_is_known_to_be_dead_or_stays_silent_died(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "LISTEN_S", 0.6)
    consumer = make_consumer()
    assert deaths(make_process(consumer, host="elsewhere", **fields), consumer) == 2


@pytest.mark.django_db(transaction=True)
def test_one_elsewhere_that_goes_on_reporting_did_not_die() -> None:
    consumer = make_consumer()
    holder = make_process(consumer, host="elsewhere")
    with reporting(holder):
        assert deaths(holder, consumer) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_messages_of_one_process_the_first_only_waits_for_its_report() -> None:
    consumer = make_consumer()
    holder = make_process(consumer, host="elsewhere")
    others = [delivery(f"{number}".encode(), redelivered=True) for number in range(500)]
    mine = SuspectNotes(consumer_id=consumer.pk, process_id=holder.pk)
    theirs = SuspectNotes(consumer_id=consumer.pk, process_id=make_process(consumer).pk)
    for other in others:
        mine.begin(other, 0)
    with reporting(holder):
        assert theirs.known(others[0]) == 0
    with CaptureQueriesContext(connection) as queries:
        assert not any(theirs.known(other) for other in others[1:])
    assert len(queries) == len(others) - 1, "a note each"


@contextmanager
def reporting(process: ConsumerProcess) -> Iterator[None]:
    """Let it show itself every now and then, as if it ran on another host."""
    ending = threading.Event()

    def work() -> None:
        while not ending.wait(0.2):
            ConsumerProcess.objects.filter(pk=process.pk).update(heartbeat_at=timezone.now())
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
