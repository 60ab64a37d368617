"""Every message is accounted for, whatever happens to consumers, broker, database and the line between them.

Small here; `make soak` runs the full sizes (tests/faults/soak/sizes.py).
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.faults.soak import scenarios
from tests.faults.soak.harness import REPLICAS, Place, Soak, does
from tests.faults.soak.sizes import SIZE, TIMEOUT
from tests.support.length import FULL, IN_FULL
from tests.support.misbehaving_line import MisbehavingLine

pytestmark = [
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(TIMEOUT),
]


def under_load(soak: Soak) -> Soak:
    soak.load(SIZE.messages, SIZE.span)
    soak.start()
    return soak


def line_to(place: Place) -> MisbehavingLine:
    return MisbehavingLine(place.config.host, place.config.port)


def over(line: MisbehavingLine, place: Place) -> Place:
    """The same place, whose consumers reach the broker over `line`."""
    user = place.config.amqp_url.partition("://")[2].rpartition("@")[0]
    environ = {
        **place.environ,
        "RABBITMQ_URL": f"amqp://{user}@127.0.0.1:{line.port}/",
        "RABBITMQ_MANAGEMENT_URL": place.config.management_url,
    }
    return replace(place, environ=environ)


WITH_DEDUPE = pytest.mark.parametrize(
    "dedupe", ["", pytest.param("message_id", marks=IN_FULL)], ids=["plain", "dedupe"]
)


@WITH_DEDUPE
def test_consumers_killed_at_random_moments(place: Place, chance: random.Random, dedupe: str) -> None:
    with Soak(place, f"{SIZE.kills} kills {dedupe}", dedupe_key=dedupe) as soak:
        scenarios.kill(under_load(soak), SIZE.kills, chance, longest_gap=2 * SIZE.span / SIZE.kills)
        soak.finish(SIZE.patience).check()


@IN_FULL  # R22 is this at small size
def test_broker_restarted(own_place: Place) -> None:
    with Soak(own_place, f"{SIZE.restarts} broker restarts") as soak:
        scenarios.restart_broker(under_load(soak), SIZE.restarts)
        soak.finish(SIZE.patience).check()


def test_database_locked(place: Place) -> None:
    with Soak(place, "a locked database", lock_wait=0 if FULL else 0.5) as soak:
        scenarios.lock_database(under_load(soak), SIZE.outage)
        soak.finish(SIZE.patience).check()


@WITH_DEDUPE
def test_process_frozen_past_the_heartbeat(place: Place, dedupe: str) -> None:
    with Soak(place, f"a frozen process {dedupe}", heartbeat=2, dedupe_key=dedupe) as soak:
        scenarios.stop_and_continue(under_load(soak), 5 if FULL else 1, SIZE.outage / 6, heartbeat=2)
        soak.finish(SIZE.patience).check()


@IN_FULL  # the line that misbehaves cuts them at small size
def test_connections_closed_every_second(place: Place) -> None:
    with Soak(place, "connections closed every second") as soak:
        scenarios.close_connections(under_load(soak), 2 * SIZE.outage)
        soak.finish(SIZE.patience).check()


def test_line_stalled_cut_and_half_closed(place: Place, chance: random.Random) -> None:
    with line_to(place) as line, Soak(over(line, place), "a line that misbehaves", heartbeat=4) as soak:
        scenarios.misbehave(under_load(soak), line, SIZE.misbehaving, chance, SIZE.silence)
        assert line.accepted >= REPLICAS
        soak.finish(SIZE.patience).check()


def test_queue_deleted_and_declared_again(place: Place) -> None:
    with Soak(place, "a deleted queue", retry_first_delay=3.0) as soak:
        gone = scenarios.delete_queue(under_load(soak))
        soak.done["ids gone with the queue, published again"] = len(gone)
        soak.send({name: f"{does(int(name[1:]))}:0.001" for name in gone}, again=True)
        soak.finish(SIZE.patience).check()


def test_disk_alarm_while_copies_are_due(own_place: Place) -> None:
    with Soak(own_place, "a disk alarm") as soak:
        scenarios.fill_disk(under_load(soak), SIZE.outage)
        soak.finish(SIZE.patience).check()


@pytest.mark.parametrize("dedupe", [pytest.param("", marks=IN_FULL), "message_id"], ids=["plain", "dedupe"])
def test_confirm_lost_with_its_connection(place: Place, dedupe: str) -> None:
    with (
        line_to(place) as line,
        Soak(
            over(line, place), "a lost confirm", dedupe_key=dedupe, replicas=1, retry_first_delay=2.0
        ) as soak,
    ):
        soak.start()
        scenarios.lose_the_confirm(soak, line)
        account = soak.finish(10)
        account.check()
        assert account.twice == {"m1"}


def test_stopped_in_order_while_the_broker_is_blocked(own_place: Place) -> None:
    with Soak(own_place, "stopped during a disk alarm", stop_seconds=3.0) as soak:
        scenarios.stop_while_blocked(under_load(soak))


def test_stopped_in_order_while_the_line_is_dead(place: Place) -> None:
    with line_to(place) as line, Soak(over(line, place), "a dead line", stop_seconds=3.0) as soak:
        scenarios.stop_on_a_dead_line(under_load(soak), line)
