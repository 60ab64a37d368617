"""Taps on the run's broker, in this process or in one of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mqadmin.core.acts.audit import Actor
from mqadmin.passing.acts import taps
from mqadmin.passing.models import Tap
from mqadmin.passing.tapping import process
from tests.core.conftest import sign_in  # noqa: F401
from tests.support.management import Management
from tests.support.waiting import patient, wait_until

OLE = Actor("ole")


@pytest.fixture
def held(transactional_db: None) -> Iterator[None]:
    """Taps are held, by a thread here."""
    stop = threading.Event()
    thread = threading.Thread(target=process.Process(stop).run, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(patient(10))
    assert not thread.is_alive()


@pytest.fixture
def begun(vhost: str) -> Callable[..., Tap]:
    """Start a tap in the test's virtual host, and return it once it looks."""

    def start(kind: str, name: str, **values: Any) -> Tap:
        tap = taps.start(broker="default", vhost=vhost, kind=kind, name=name, by=OLE, **values)
        wait_until(lambda: Tap.objects.get(pk=tap.pk).queue or ended(tap), 20, what="the tap looks")
        tap.refresh_from_db()
        assert tap.state == Tap.State.RUNNING, tap.words
        return tap

    return start


def ended(tap: Tap) -> bool:
    return Tap.objects.get(pk=tap.pk).state == Tap.State.ENDED


def queues_of_taps(management: Management, vhost: str) -> list[str]:
    """Return the queues of taps that the broker has."""
    return [item.name for item in management.queues(vhost) if item.name.startswith("mqadmin.tap.")]
