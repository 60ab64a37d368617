"""Two people who cannot decide, and a supervisor that is killed meanwhile: what runs is what was wanted last."""

from __future__ import annotations

import contextlib
import random
import threading

import pytest
from django.db import connection
from pika.adapters.blocking_connection import BlockingChannel

from consumers.definitions import definitions
from consumers.models import Consumer, ConsumerProcess
from consumers.supervisor.machine import spawn
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.supervisor.conftest import Define, Launch
from tests.support import amqp
from tests.support.length import FULL
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.broker]

ACTS = 30 if FULL else 15  # of each of the two
KILLS = 3 if FULL else 1  # of the supervisor meanwhile


def test_whatever_two_people_press_in_haste(
    launch: Launch, define: Define, broker_config: BrokerConfig, vhost: str
) -> None:
    define(replicas=2, stop_seconds=3)
    supervisor = launch()
    failures: list[BaseException] = []
    pause = threading.Event()

    def press(seed: int) -> None:
        chance, by = random.Random(seed), Actor(f"person {seed}")
        try:
            for _ in range(ACTS):
                with contextlib.suppress(Refusal):
                    one_act(chance, by)
                pause.wait(chance.uniform(0, 0.4))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    people = [threading.Thread(target=press, args=[seed]) for seed in (1, 2)]
    for person in people:
        person.start()
    for _ in range(KILLS):
        supervisor.kill()
        supervisor.wait()
        supervisor = launch()
    for person in people:
        person.join(patient(120))
    assert not failures
    Consumer.objects.update(desired="running", replicas=3)
    with amqp.channel(broker_config, vhost) as channel:
        seen: list[bool] = []

        def is_settled() -> bool:
            seen.append(counts(channel) == (3, 3, 3))
            return len(seen) > 20 and all(seen[-20:])

        wait_until(is_settled, 60, 0.1, what="three, no more and no less, for two seconds")


def counts(channel: BlockingChannel) -> tuple[int, int, int]:
    """Return how many run as their rows, this machine and RabbitMQ say."""
    rows = ConsumerProcess.objects.filter(ended_at=None, state="running", stop_requested_at=None)
    consuming = channel.queue_declare("work", passive=True).method.consumer_count
    return rows.count(), len(spawn.survivors()), int(consuming or 0)


def one_act(chance: random.Random, by: Actor) -> None:
    consumer = Consumer.objects.get()
    act = chance.choice(
        [
            definitions.start,
            definitions.stop,
            definitions.pause,
            definitions.resume,
            definitions.restart,
            definitions.kill,
            None,
        ]
    )
    if act is None:
        definitions.scale(consumer=consumer, by=by, replicas=chance.randint(1, 5))
    else:
        act(consumer=consumer, by=by)
