"""What /metrics offers, by OTLP: the same numbers, from one process of the installation."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from mqadmin.core import hooks, metrics_sent
from mqadmin.core.acts import leases
from mqadmin.core.exposition import Family, exposition, labels
from mqadmin.telemetry import numbers
from tests.support.otlp import Receiver
from tests.support.processes import manage
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.any_database, pytest.mark.any_version]

ODD = 'a "b" \\ c\nd \\n e'


def families() -> list[Any]:
    queues = [labels(queue=ODD, vhost="/"), labels(queue="orders", vhost="/")]
    other = GaugeMetricFamily("mqadmin_worker_up", "Whether one is there.", labels=["state"])
    other.add_metric([ODD], 1)
    return [
        Family("mqadmin_queue_ready", "gauge", "Ready.", [(queues[0], 3), (queues[1], None)]),
        Family("mqadmin_queue_published_total", "counter", "Published.", [(text, 7) for text in queues]),
        other,
    ]


def as_scraped(found: list[Any]) -> set[tuple[str, str, float]]:
    text, _kind = exposition(found)
    return {
        (sample.name, repr(sorted(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def as_sent(collector: Receiver) -> set[tuple[str, str, float]]:
    return {
        (point.name, repr(sorted(point.attributes.items())), float(point.value)) for point in collector.points
    }


def test_they_are_those_of_a_scraper(collector: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "AT_ONCE", 2)  # in several requests
    assert numbers.Sender().send(metrics_sent.told(families()))
    assert as_sent(collector) == as_scraped(families())
    assert len(collector.points) == 4
    assert {point.kind for point in collector.points if point.name.endswith("_total")} == {"sum"}
    assert {point.kind for point in collector.points if not point.name.endswith("_total")} == {"gauge"}
    resource = collector.points[0].resource
    assert resource["service.name"] == "mqadmin"
    assert not {"service.instance.id", "process.pid", "host.name"} & set(resource)


def test_a_collector_that_refuses_is_no_error(collector: Receiver) -> None:
    collector.status = 400
    assert not numbers.Sender().send(metrics_sent.told(families()))


@pytest.mark.django_db
def test_only_who_has_the_lease_sends(collector: Receiver) -> None:
    sender = numbers.Sender()
    leases.acquire(metrics_sent.LEASE, "another", 60)
    metrics_sent.send_once(sender, "me", 60)
    assert collector.requests == []
    leases.release(metrics_sent.LEASE, "another")
    metrics_sent.send_once(sender, "me", 60)
    assert as_sent(collector) >= as_scraped(list(hooks.metrics()))


def test_there_is_no_thread_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert metrics_sent.start(threading.Event()) is None


@pytest.mark.broker
@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_the_monitor_sends_them_and_ends_although_a_collector_hangs(
    process_environ: dict[str, str], collector: Receiver
) -> None:
    environ = {**process_environ, **collector.environ()}
    with manage(environ, "run_monitor", "--interval", "0.2") as monitor:
        up = {"mqadmin_broker_up", "mqadmin_operations"}
        wait_until(lambda: up <= {point.name for point in list(collector.points)}, 20)
        wait_until(lambda: any("sampling" in line.text for line in list(collector.lines)), 20)
        assert {line.resource["mqadmin.process"] for line in list(collector.lines)} == {"monitor"}
        collector.hanging.set()
        before = len(collector.requests)
        wait_until(lambda: collector.requests[before:].count("/v1/metrics"), 20)
        monitor.terminate()
        assert monitor.wait(30) == 0
