"""The API's calls for history."""

from __future__ import annotations

import time

from mqadmin.history import steps
from mqadmin.history.kinds import padded
from mqadmin.history.recording import Key, Recorder
from mqadmin.queues.models import Broker
from tests.queues.conftest import Api, make_queue


def test_what_was(api: Api, broker: Broker) -> None:
    queue = make_queue(broker, "work")
    recorder = Recorder(broker.slug, steps.configured(), gap=1e9)
    now = time.time()
    for age, ready in ((200, 7), (100, 42), (0, 1)):
        numbers = (ready, 0, 1, 0.25, None, None, None)
        of_broker = padded("broker", (*numbers, 3))
        recorder.record(
            now - age, {Key("queue", "/", "work"): (*numbers, 90), Key("broker", "", ""): of_broker}
        )
    found = api.get(f"/queues/{queue.pk}/history", span="5m").json()
    assert found["seconds"] == 5
    assert len(found["times"]) == len(found["lines"]["ready"])
    assert {7, 42} <= set(found["lines"]["ready"])
    assert set(found["lines"]["ack_rate"]) == {None}
    assert set(found["lines"]["oldest"]) == {None, 90}
    found = api.get(f"/brokers/{broker.slug}/history", span="90d").json()
    assert max(value for value in found["lines"]["ready"] if value is not None) == 42
    assert api.get(f"/queues/{queue.pk}/history").status_code == 200


def test_what_is_refused(api: Api, broker: Broker) -> None:
    queue = make_queue(broker, "work")
    assert api.get(f"/queues/{queue.pk}/history", span="2h").status_code == 422
    assert api.get("/queues/0/history").status_code == 404
    assert api.get("/brokers/none/history").status_code == 404
