"""GET /metrics: who may, that a scraper can read it whatever names are in it, and what each number says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families

from consumers.models import ConsumerProcess, SupervisorHost
from mqadmin.core import tasks
from mqadmin.core.acts import leases
from mqadmin.core.api import tokens
from mqadmin.core.exposition import Family, labels, render
from mqadmin.core.models import Lease, Operation
from mqadmin.queues.models import Broker, Queue
from tests.consumers.conftest import person
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer, make_process, make_supervisor
from tests.support.growth import processor_seconds

pytestmark = pytest.mark.django_db

EVIL = 'a"b\\c\nd{e},ü=1 \\n'
_SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[0-9.e+-]+)$')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"')
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    """Read the format as strictly as Prometheus does: families in one piece, each with HELP and TYPE before it."""
    found: Samples = {}
    known: dict[str, str] = {}
    current = ""
    assert text.endswith("\n")
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert current not in known, f"{current} comes twice"
        elif line.startswith("# TYPE "):
            _hash, _type, name, kind = line.split(" ")
            assert name == current
            known[name] = kind
            assert kind in ("gauge", "counter")
            assert name.endswith("_total") == (kind == "counter")
        else:
            match = _SAMPLE.match(line)
            assert match is not None, f"not a sample: {line!r}"
            assert match[1] == current
            pairs = frozenset((name, _plain(value)) for name, value in _LABEL.findall(match[2] or ""))
            assert (match[1], pairs) not in found, f"twice: {line!r}"
            found[match[1], pairs] = float(match[3])
    return found


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), value)


def scrape(client: Client) -> Samples:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(response.content.decode())


def value(samples: Samples, name: str, **pairs: object) -> float | None:
    """Return the one sample of this name whose labels hold `pairs`, None when there is none."""
    wanted = {(key, str(item)) for key, item in pairs.items()}
    found = [number for (known, have), number in samples.items() if known == name and wanted <= have]
    assert len(found) <= 1, f"{name} {pairs} is not one"
    return found[0] if found else None


def test_a_token_a_session_and_nobody_else(viewer: Client) -> None:
    assert viewer.get("/metrics").status_code == 200
    nobody = Client().get("/metrics")
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, "Bearer")
    assert Client().get("/metrics", headers={"Authorization": "Bearer mqa_wrong"}).status_code == 401
    # A wrong token is not made good by a session beside it.
    assert viewer.get("/metrics", headers={"Authorization": "Bearer mqa_wrong"}).status_code == 401
    without_role = tokens.create(user=User.objects.create_user("x"))
    refused = Client().get("/metrics", headers={"Authorization": f"Bearer {without_role}"})
    assert refused.status_code == 403
    assert "no role" in refused.content.decode()
    assert viewer.post("/metrics").status_code == 405


def test_a_token_reads_it() -> None:
    token = tokens.create(user=person("viewer"))
    response = Client().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200
    assert value(parse(response.content.decode()), "mqadmin_broker_up", broker="default") == 0


def test_brokers_and_queues(viewer: Client) -> None:
    sampled = timezone.now() - timedelta(seconds=40)
    broker = Broker.objects.create(slug="default", reachable=True, sampled_at=sampled)
    Queue.objects.create(
        broker=broker, vhost="/", name=EVIL, ready=7, unacked=2, consumers=None, health="watch", health_rank=2
    )
    Queue.objects.create(broker=broker, vhost="/", name="gone", ready=9, gone_at=timezone.now())
    old = Broker.objects.create(slug="no-longer-configured", reachable=True, sampled_at=sampled)
    Queue.objects.create(broker=old, vhost="/", name="there", ready=9)

    samples = scrape(viewer)

    assert value(samples, "mqadmin_broker_up", broker="default") == 1
    age = value(samples, "mqadmin_broker_sample_age_seconds", broker="default")
    assert age is not None
    assert 40 <= age < 100
    here = {"broker": "default", "vhost": "/", "queue": EVIL}
    assert value(samples, "mqadmin_queue_messages_ready", **here) == 7
    assert value(samples, "mqadmin_queue_messages_unacked", **here) == 2
    assert value(samples, "mqadmin_queue_health", **here) == 2
    assert value(samples, "mqadmin_queue_consumers", **here) is None  # unknown is not 0
    assert {dict(pairs).get("queue") for _name, pairs in samples} == {None, EVIL}
    assert {dict(pairs).get("broker") for _name, pairs in samples} == {None, "default"}


def test_a_broker_that_does_not_answer_is_down_and_grows_old(viewer: Client) -> None:
    Broker.objects.create(slug="default", reachable=False)
    samples = scrape(viewer)
    assert value(samples, "mqadmin_broker_up", broker="default") == 0
    assert value(samples, "mqadmin_broker_sample_age_seconds", broker="default") is None


def test_consumers_and_their_processes(viewer: Client) -> None:
    now = timezone.now()
    consumer = make_consumer(name="orders", queue="o", desired="running", replicas=3)
    one = make_process(
        consumer,
        processed=120,
        failed=5,
        retried=7,
        in_flight=4,
        connection_errors=2,
        channel_errors=1,
        connected_at=now - timedelta(seconds=90),
    )
    two = make_process(consumer, blocked_reason="low on memory")
    make_process(consumer, heartbeat_at=now - timedelta(minutes=5))  # silent: it may be dead
    make_process(consumer, state=ConsumerProcess.State.FAILED, processed=1_000)
    make_consumer(name="idle", replicas=2, desired="paused")

    samples = scrape(viewer)

    mine = {"broker": "default", "vhost": "/", "queue": "o", "consumer": "orders"}
    assert value(samples, "mqadmin_consumer_processes_running", **mine) == 2
    assert value(samples, "mqadmin_consumer_processes_wanted", **mine) == 3
    assert value(samples, "mqadmin_consumer_processes_wanted", consumer="idle") == 0
    expected = {"handled_total": 120, "failed_total": 5, "retried_total": 7, "in_flight": 4, "blocked": 0}
    expected |= {"connection_errors_total": 2, "channel_errors_total": 1}
    found = {name: value(samples, f"mqadmin_consumer_{name}", process=one.pk, **mine) for name in expected}
    assert found == expected
    assert value(samples, "mqadmin_consumer_blocked", process=two.pk) == 1
    age = value(samples, "mqadmin_consumer_connection_age_seconds", process=one.pk)
    assert age is not None
    assert 90 <= age < 150
    assert value(samples, "mqadmin_consumer_connection_age_seconds", process=two.pk) is None
    handled = [pairs for name, pairs in samples if name == "mqadmin_consumer_handled_total"]
    assert len(handled) == 3  # the failed one is over


def test_retries_and_letters(viewer: Client) -> None:
    broker = Broker.objects.create(slug="default", sampled_at=timezone.now())
    for vhost, name, total in (("/", "mqadmin.delay.1000", 3), ("/", "mqadmin.delay.2000", 4), ("b", "q", 9)):
        Queue.objects.create(broker=broker, vhost=vhost, name=name, total=total)
    letter(source_queue="orders")
    letter(source_queue="orders")
    letter(source_queue="orders", status="discarded")

    samples = scrape(viewer)

    assert value(samples, "mqadmin_retry_messages", broker="default", vhost="/") == 7
    assert value(samples, "mqadmin_retry_messages", broker="default", vhost="b") is None
    assert value(samples, "mqadmin_dead_letters_parked", broker="default", queue="orders") == 2


def test_it_costs_the_same_number_of_queries_for_any_number(
    viewer: Client, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    broker = Broker.objects.create(slug="default", sampled_at=timezone.now())
    for _n in range(20):
        make_process(make_consumer(desired="running"))
        letter()

    def queues(numbers: range) -> None:
        Queue.objects.bulk_create(Queue(broker=broker, vhost="/", name=f"q-{n}", ready=n) for n in numbers)

    queues(range(1_000))
    few = processor_seconds(lambda: scrape(viewer), times=2)
    queues(range(1_000, 10_000))
    samples: Samples = {}
    with django_assert_max_num_queries(24):
        many = processor_seconds(lambda: samples.update(scrape(viewer)))
    assert sum(samples[key] for key in samples if key[0] == "mqadmin_queue_messages_ready") == 49_995_000
    assert many < few * 40, "some ten times, not a hundred as of what grows as the square"


def test_labels_and_help_are_escaped_and_unknown_is_left_out() -> None:
    family = Family(
        "x", "gauge", "One\ntwo \\ three", [(labels(queue=EVIL), None), (labels(queue="\\"), True)]
    )
    assert render([family, Family("empty", "gauge", "", [(labels(a=1), None)])]) == (
        '# HELP x One\\ntwo \\\\ three\n# TYPE x gauge\nx{queue="\\\\"} 1\n'
    )


def test_openmetrics_for_who_asks_for_it(viewer: Client) -> None:
    make_process(make_consumer(name="orders", desired="running"), processed=120)
    Broker.objects.create(slug="default", reachable=True)
    response = viewer.get(
        "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"}
    )
    assert response["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "Accept" in response["Vary"]
    found = {family.name: family for family in open_families(response.content.decode())}
    assert found["mqadmin_consumer_handled"].type == "counter"
    assert found["mqadmin_consumer_handled"].samples[0].name == "mqadmin_consumer_handled_total"
    assert found["mqadmin_broker_up"].samples[0].value == 1
    # What no scraper sends is answered in the oldest format.
    for accept in ("application/openmetrics-text;version=x", "text/plain;version=-1;escaping=?", "\x00"):
        answer = viewer.get("/metrics", headers={"Accept": accept})
        assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", accept
        parse(answer.content.decode())


def test_our_own_work(viewer: Client) -> None:
    samples = scrape(viewer)
    assert value(samples, "mqadmin_worker_up") == 0
    assert value(samples, "mqadmin_worker_age_seconds") is None
    assert value(samples, "mqadmin_monitor_up", broker="default") == 0
    Operation.objects.create(kind="test", status="done")
    Operation.objects.create(kind="test", status="pending", not_before=timezone.now() + timedelta(hours=1))
    assert value(scrape(viewer), "mqadmin_operation_waits_seconds") == 0  # held, as it should be
    waits = Operation.objects.create(kind="test", status="pending")
    Operation.objects.filter(pk=waits.pk).update(created_at=timezone.now() - timedelta(minutes=5))
    assert value(samples, "mqadmin_beat_up") == value(samples, "mqadmin_web_up") == 0
    tasks.resume_operations.run()
    leases.beat("beat", "me", 60)
    assert leases.acquire("monitor:default", "me", 60)

    samples = scrape(viewer)

    assert value(samples, "mqadmin_worker_up") == 1
    assert value(samples, "mqadmin_monitor_up", broker="default") == 1
    assert (value(samples, "mqadmin_beat_up"), value(samples, "mqadmin_web_up")) == (1, 0)
    assert value(samples, "mqadmin_operations", state="done") == 1
    Lease.objects.update(renewed_at=timezone.now() - timedelta(minutes=3))
    samples = scrape(viewer)
    assert value(samples, "mqadmin_worker_up") == value(samples, "mqadmin_monitor_up", broker="default") == 0
    assert value(samples, "mqadmin_beat_up") == 0
    assert 180 <= (value(samples, "mqadmin_beat_age_seconds") or 0) < 240
    age = value(samples, "mqadmin_monitor_age_seconds", broker="default")
    assert age is not None
    assert 180 <= age < 240


def test_hosts_and_what_autoscaling_wants(viewer: Client) -> None:
    now = timezone.now()
    make_supervisor("app-1")
    make_supervisor("app-2", heartbeat_at=now - timedelta(minutes=1))
    SupervisorHost.objects.filter(name="app-1").update(capacity=8, drained=True)
    consumer = make_consumer(name="orders", desired="running", replicas=9, autoscale_max=6, autoscaled=4)
    make_process(consumer, supervisor="app-1")
    make_consumer(name="asleep", desired="running", schedule="not 2000-01-01..2999-01-01")

    samples = scrape(viewer)

    assert value(samples, "mqadmin_consumer_processes_wanted", consumer="orders") == 4
    assert value(samples, "mqadmin_consumer_processes_wanted", consumer="asleep") == 0
    assert value(samples, "mqadmin_supervisor_up", host="app-1") == 1
    assert value(samples, "mqadmin_supervisor_up", host="app-2") == 0
    assert value(samples, "mqadmin_supervisor_drained", host="app-1") == 1
    assert value(samples, "mqadmin_supervisor_processes", host="app-1") == 1
    assert value(samples, "mqadmin_supervisor_capacity", host="app-1") == 8
    assert value(samples, "mqadmin_supervisor_capacity", host="app-2") is None
