"""What is done to a load while it runs. Each fault is counted in `soak.done`."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

import psutil
from django.db import connection

from consumers.models import Consumer, Record
from tests.faults.soak.harness import QUEUE, REPLICAS, Soak
from tests.support.management import Management
from tests.support.misbehaving_line import MisbehavingLine
from tests.support.node_control import disk_alarm
from tests.support.waiting import wait_until

CLIENT = "mqadmin.work"  # what consumer processes call their connections


def kill(soak: Soak, times: int, chance: random.Random, longest_gap: float) -> None:
    """Kill consumer processes at random moments, also while they start."""
    for _ in range(times):
        soak.rest(chance.uniform(0, longest_gap))
        victims = soak.until(soak.processes, 30, what="a process to kill")
        chance.choice(victims).kill()
        soak.done["kills"] += 1


def restart_broker(soak: Soak, times: int) -> None:
    """Stop the node in order and start it again, with messages in every hand."""
    node = soak.place.node
    assert node is not None, "this broker is not ours to restart"
    for _ in range(times):
        soak.progress(max(1, len(soak.ids) // 20))
        soak.restart(node)
        soak.until(soak.all_running, 90, what="all replicas consume again")


@contextmanager
def locked_database() -> Iterator[None]:
    """Let nobody write: on SQLite by a transaction of somebody else's, on PostgreSQL by a lock on the tables."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout = 20000")
            other.execute("BEGIN EXCLUSIVE")
            yield
    else:
        from django.db import transaction

        with transaction.atomic(), connection.cursor() as cursor:
            for model in (Record, Consumer):
                cursor.execute(f"LOCK TABLE {model._meta.db_table} IN EXCLUSIVE MODE")
            yield


def lock_database(soak: Soak, seconds: float) -> None:
    """Lock the database; nothing may be acked meanwhile, as nothing can be recorded."""
    soak.progress(max(1, len(soak.ids) // 20))
    with locked_database():
        recorded = Record.objects.count()
        most = soak.until(lambda: _settled_depth(soak), 10, what="prefetch is used up")
        _pass(soak, seconds)
        assert Record.objects.count() == recorded
        assert soak.depth() >= most, "messages were settled that nobody could record"
    soak.done["seconds of a locked database"] += round(seconds)


def _settled_depth(soak: Soak) -> int:
    """Return how many messages wait once that falls no more, else 0."""
    before = soak.depth()
    _pass(soak, 0.5)
    return before if soak.depth() >= before else 0


def _pass(soak: Soak, seconds: float) -> None:
    over = time.monotonic() + seconds
    soak.until(lambda: time.monotonic() >= over, seconds + 5)


def stop_and_continue(soak: Soak, rounds: int, seconds: float, heartbeat: int) -> None:
    """Freeze one process past the heartbeat, until RabbitMQ has given it up, then let it go on."""
    for number in range(rounds):
        soak.until(soak.all_running, 60, what="all replicas consume")
        listed = partial(_watched, soak, heartbeat)
        soak.until(listed, 30, what="RabbitMQ watches both, closely")
        victim: psutil.Process = sorted(soak.processes(), key=lambda p: p.pid)[number % REPLICAS]
        lost = soak.events("disconnected")
        victim.suspend()
        try:
            soak.until(
                lambda: len(soak.connections.named(CLIENT)) < REPLICAS,
                heartbeat * 5 + 10,
                what="RabbitMQ gave the frozen process up",
            )
            soak.rest(seconds)
        finally:
            victim.resume()
        soak.done["freezes"] += 1
        soak.until(partial(_more, soak, "disconnected", lost), 30, what="it noticed")


def _watched(soak: Soak, heartbeat: int) -> bool:
    """Whether RabbitMQ lists every replica's connection, with this heartbeat; a new one after some seconds."""
    found = [row for row in soak.connections.named(CLIENT) if row.get("timeout") == heartbeat]
    return len(found) == REPLICAS


def _more(soak: Soak, kind: str, than: int) -> bool:
    return soak.events(kind) > than


def close_connections(soak: Soak, seconds: float) -> None:
    """Close the consumers' connections over the management API, every second.

    It knows of a new connection after some three seconds: until then that one lives.
    """
    soak.progress(max(1, len(soak.ids) // 20))
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        soak.done["connections closed"] += soak.connections.close(CLIENT)
        soak.rest(1)
    assert soak.done["connections closed"] >= REPLICAS


def misbehave(
    soak: Soak, line: MisbehavingLine, seconds: float, chance: random.Random, silence: float
) -> None:
    """Stall, cut and half-close the line, both ways, for so long."""
    soak.progress(max(1, len(soak.ids) // 20))
    over = time.monotonic() + seconds
    number = 0
    while time.monotonic() < over:
        match number % 6:
            case 0:
                line.stall("down")
            case 1:
                line.cut()
            case 2:
                line.stall("up")
            case 3:
                line.half_close("down")
            case 4:
                line.stall("up", "down")
            case 5:
                line.half_close("up")
        soak.rest(chance.uniform(0.2, silence))
        line.flow()
        soak.done["faults of the line"] += 1
        number += 1
    line.flow()


def delete_queue(soak: Soak) -> set[str]:
    """Delete the queue under the load and declare it again; return the ids that went with it.

    Those are what is missing once all else is handled. They are never more than what was in the queue, and
    never one whose copy waited elsewhere for its next attempt.
    """
    delay = Consumer.objects.get().retry_first_delay
    soak.progress(max(1, len(soak.ids) // 10))
    soak.until(lambda: _waiting(soak), 30, what="copies that wait for their next attempt")
    client = Management(soak.place.config)
    elsewhere = _waiting(soak)
    known = set(_ended())
    client.delete_queue(soak.place.vhost, QUEUE)
    soak.done["queue deletions"] += 1
    soak.rest(1)
    soak.declare(client)
    client.close()
    soak.until(soak.all_running, 60, what="all replicas consume again")
    soak.until(lambda: not any(soak.left().values()), 60, what="the copies came back")
    _until_quiet(soak, delay + 1)
    gone = set(soak.ids) - set(_ended())
    assert not gone & elsewhere, "a copy that waited elsewhere went with the queue"
    assert not gone & known
    return gone


def _waiting(soak: Soak) -> set[str]:
    """Return the ids whose copies wait in a delay queue: of those recorded, the newest that many."""
    count = sum(depth for name, depth in soak.left().items() if name != QUEUE)
    newest = Record.objects.filter(outcome="retried").order_by("-id").values_list("message_id", flat=True)
    return set(newest[: count // 2])  # a copy or two may come back while we look


def _ended() -> Iterator[str]:
    ends = Record.objects.filter(outcome__in=("acked", "dead_lettered", "duplicate"))
    yield from ends.values_list("message_id", flat=True)


def _until_quiet(soak: Soak, seconds: float) -> None:
    """Wait until no record was written for so long."""
    seen, since = -1, time.monotonic()

    def quiet() -> bool:
        nonlocal seen, since
        count = Record.objects.count()
        if count != seen:
            seen, since = count, time.monotonic()
        return time.monotonic() - since > seconds

    soak.until(quiet, 300, what="nothing more is handled")


def fill_disk(soak: Soak, seconds: float) -> None:
    """Raise a disk alarm while copies for later attempts are due: RabbitMQ takes nothing from publishers."""
    assert soak.place.node is not None, "this broker is not ours to alarm"
    soak.progress(max(1, len(soak.ids) // 20))
    with disk_alarm(soak.place.node):
        soak.until(lambda: soak.events("blocked"), 30, what="a connection is blocked")
        soak.rest(seconds)
        soak.done["disk alarms"] += 1
    soak.until(lambda: soak.events("unblocked"), 30, what="it is unblocked")


def stop_while_blocked(soak: Soak) -> None:
    """Stop in order with copies in hand that RabbitMQ does not take: the originals are its own again."""
    assert soak.place.node is not None, "this broker is not ours to alarm"
    with disk_alarm(soak.place.node):
        soak.until(lambda: soak.events("blocked") >= REPLICAS, 30, what="both connections are blocked")
        soak.stop(overdue=True)
    _the_rest_is_back(soak)


def lose_the_confirm(soak: Soak, line: MisbehavingLine) -> None:
    """Lose the connection between a copy that RabbitMQ has and its confirm."""
    soak.send({"m0": "never:0"})
    soak.until(soak.handled, 20, what="a first message has opened the channel of the copies")
    soak.send({"m1": "never:1.5"})
    soak.until(lambda: soak.calls()[-1].message_id == "m1", 20, what="the message is in hand")
    line.stall("down")
    soak.until(lambda: any(soak.left().values()), 20, what="its copy waits in a delay queue")
    line.cut()
    line.flow()
    soak.done["lost confirms"] += 1


def stop_on_a_dead_line(soak: Soak, line: MisbehavingLine) -> None:
    """Stop in order when nothing passes to or from the broker, and nobody says so: a cable that was pulled."""
    soak.progress(max(1, len(soak.ids) // 20))
    line.stall("up", "down")
    soak.stop(overdue=True)
    line.flow()
    line.cut()
    _the_rest_is_back(soak)


def _the_rest_is_back(soak: Soak) -> None:
    """Wait until every message without an end is in its queue, or waits there for its next attempt."""
    open_ids = set(soak.ids) - set(_ended())
    wait_until(lambda: sum(soak.left().values()) >= len(open_ids), 20, what="the rest is back")
