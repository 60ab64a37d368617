"""Letters, exactly: nothing lost, nothing merged, every second copy marked, whatever is killed meanwhile.

Small here; `make soak` has 10,000 letters, 200 pairs, 20 kills of collector and worker each, 3 broker restarts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from mqadmin import celery
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.requeue import Care
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.publishing import publisher
from tests.faults.soak.harness import Place
from tests.faults.soak.letters import Letters
from tests.faults.soak.sizes import TIMEOUT
from tests.support.length import FULL

pytestmark = [
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(TIMEOUT),
]

# Each moment of a kill alone: tests/faults/test_kill.py. Here, one of each within the whole.
COUNT, PAIRS, KILLS, RESTARTS = (10_000, 200, 20, 3) if FULL else (300, 10, 1, 1)


@pytest.fixture
def letters(own_place: Place, chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> Iterator[Letters]:
    """A run whose broker, for this process too, is a node of its own."""
    address = urlsplit(own_place.config.amqp_url)
    tasks = f"amqp://{address.netloc}/{own_place.vhost}"
    for name in ("RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL"):
        monkeypatch.setenv(name, own_place.environ[name])
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    monkeypatch.setattr(celery.app.conf, "broker_url", tasks)
    brokers.forget()
    yield Letters(replace(own_place, environ={**own_place.environ, "CELERY_BROKER_URL": tasks}), chance)
    publisher.close_publishers()
    brokers.forget()


def test_nothing_is_lost_nothing_merged_and_every_second_copy_says_so(letters: Letters) -> None:
    letters.publish(COUNT, PAIRS)
    letters.capture(KILLS, restarts=RESTARTS // 2)
    operation = requeue.start(
        selection=selection.all_that_match(selection.Filter(broker="default", vhost=letters.place.vhost)),
        to=To(),
        by=Actor("ann", "shell"),
        care=Care(rate=COUNT / 10),  # else it would be over before it is killed
    )
    letters.requeue(operation, KILLS, restarts=RESTARTS - RESTARTS // 2)
    books = letters.account()
    print(f"\n{books}")
    books.check()
    assert books.done["kills of the collector"] == books.done["kills of the worker"] == KILLS
    assert books.done["broker restarts"] == RESTARTS
