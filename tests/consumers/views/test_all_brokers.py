"""The consumers of all brokers in one list, and stopped together: on each broker by an act of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from consumers.models import Consumer
from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker
from tests.consumers.views.conftest import text_of
from tests.queues.conftest import make_queue
from tests.support.consumers import make_consumer
from tests.support.several import two_brokers


@pytest.fixture(autouse=True)
def _two(db: None, tmp_path: Path, settings: object) -> Iterator[None]:
    """A consumer of a queue `orders` on each of two brokers, and on one that is not configured any more."""
    with two_brokers(tmp_path, settings):
        for slug in ("lab", "shop", "gone"):
            make_queue(Broker.objects.create(slug=slug), "orders")
            make_consumer(name=f"of-{slug}", broker=slug, desired="running")
        yield


def test_each_says_on_which_broker_and_leads_to_its_own_queue(viewer: Client) -> None:
    text = text_of(viewer.get("/consumers/?broker=*"))
    assert re.findall(r"data-key-open>(.*?)</a>", text) == ["of-lab", "of-shop"]
    rows = re.findall(r'<tr id="consumer-.*?</tr>', text)
    for row, title, slug in zip(rows, ("The lab", "The shop"), ("lab", "shop"), strict=True):
        queue = Broker.objects.get(slug=slug).queues.get()
        assert f"{title}</td>" in row
        assert f"/queues/{queue.pk}/" in row
    one = text_of(viewer.get("/consumers/?broker=lab"))
    assert re.findall(r"data-key-open>(.*?)</a>", one) == ["of-lab"]
    assert "The lab</td>" not in one


def test_all_are_stopped_by_an_act_of_each_broker(operator: Client) -> None:
    address = "/consumers/stop-all/?broker=*"
    text = text_of(operator.get(address))
    assert "on lab, shop would stop" in text
    assert operator.post(address, {"expect": 2, "typed": "lab"}).status_code == 422
    assert operator.post(address, {"expect": 1, "typed": "shop"}).status_code == 409
    assert not AuditEntry.objects.exists()
    operator.post(address, {"expect": 2, "typed": "shop"})
    assert set(Consumer.objects.filter(desired="stopped").values_list("broker", flat=True)) == {"lab", "shop"}
    acts = AuditEntry.objects.filter(action="consumer.stop_all").values_list("broker", "count")
    assert sorted(acts) == [("lab", 1), ("shop", 1)]
