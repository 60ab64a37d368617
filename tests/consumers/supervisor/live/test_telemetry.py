"""Traces and log lines of real consumers under a real supervisor, told to a real receiver of OTLP."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from consumers.models import Consumer, ConsumerProcess, Record
from consumers.supervisor.machine import output
from consumers.supervisor.machine.states import STOPPED_AS_ASKED
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.supervisor.conftest import BOTH_WAYS, Define, Launch, is_forked
from tests.support import amqp
from tests.support.length import IN_FULL
from tests.support.otlp import Receiver, Span, receiver
from tests.support.processes import ROOT
from tests.support.waiting import patient, wait_until

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.any_version,
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
]

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
SECRET = "k3y-of-the-collector"


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def supervisor_environ(process_environ: dict[str, str]) -> dict[str, str]:
    return {**process_environ, "MQADMIN_HANDLERS": "tests.support.handlers"}


def one(collector: Receiver, name: str, **attributes: Any) -> Span:
    """Wait for the span of a name with these attributes; there is only one."""

    def found() -> list[Span]:
        return [span for span in collector.named(name) if attributes.items() <= span.attributes.items()]

    spans = wait_until(found, 20, what=f"a span {name} {attributes}")
    assert len(spans) == 1
    return spans[0]


def is_consuming(consumer: Consumer) -> ConsumerProcess:
    rows = ConsumerProcess.objects.filter(consumer=consumer, state="running", ended_at=None)
    row = wait_until(rows.first, 20, what="a running process")
    assert isinstance(row, ConsumerProcess)
    return row


@BOTH_WAYS
def test_a_trace_goes_through_two_consumers_a_retry_and_to_the_dead_letters(
    launch: Launch,
    define: Define,
    broker_config: BrokerConfig,
    vhost: str,
    management: ManagementClient,
    collector: Receiver,
    way: str,
) -> None:
    dead_letter = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    management.declare_queue(vhost, "dead")
    management.declare_queue(vhost, "second", arguments=dead_letter)
    first = define("first", handler="forward", options={"routing_key": "second"})
    define("later", handler="tests.by_body", retry_attempts=1, retry_first_delay=0.1, retry_jitter=0)
    Consumer.objects.filter(name="later").update(name="second", queue="second")
    supervisor = launch(
        **collector.environ(OTEL_EXPORTER_OTLP_HEADERS=f"api-key={SECRET}", OTEL_SERVICE_NAME="shop")
    )
    assert is_forked(is_consuming(first)) == (way == "on")
    headers = {"traceparent": PARENT, "tracestate": "vendor=1"}
    amqp.publish(broker_config, vhost, "first", [b"fail:the password is hunter2"], headers=headers)

    forwarding = one(collector, "process first")
    sent = one(collector, "forward second")
    attempt = one(collector, "process second", **{"mqadmin.outcome": "retried"})
    retry = one(collector, "retry second")
    again = one(collector, "process second", **{"mqadmin.outcome": "dead_lettered"})
    died = one(collector, "dead-letter second")
    chain = [forwarding, sent, attempt, retry, again, died]
    assert {span.trace_id for span in chain} == {TRACE}
    assert [span.parent for span in chain] == [SPAN, *(span.span_id for span in chain[:-1])]
    assert [span.kind for span in chain] == [5, 4, 5, 4, 5, 4]  # consumer, producer

    assert attempt.attributes["messaging.system"] == "rabbitmq"
    assert attempt.attributes["messaging.destination.name"] == "second"
    assert attempt.attributes["messaging.operation.type"] == "process"
    assert attempt.attributes["messaging.message.id"] == "m0"
    assert again.attributes["mqadmin.attempt"] == 2
    assert (attempt.status, attempt.message) == (2, "RuntimeError")
    assert attempt.events == [("exception", {"exception.type": "RuntimeError"})]
    assert retry.attributes["messaging.destination.name"] == "mqadmin.delay.100:second"
    assert died.attributes["messaging.destination.name"] == "dead"
    assert attempt.resource["service.name"] == "shop"
    assert attempt.resource["mqadmin.process"] == "consumer"
    assert "hunter2" not in repr(chain)
    assert {found["api-key"] for found in collector.headers} == {SECRET}

    # What was published stays in the copy as it was; ours is beside it.
    [letter] = amqp.drain(broker_config, vhost, "dead", 1)
    assert letter.headers["traceparent"] == f"00-{TRACE}-{sent.span_id}-01"
    assert letter.headers["tracestate"] == "vendor=1"
    assert letter.headers["mqadmin-traceparent"] == f"00-{TRACE}-{died.span_id}-01"
    wait_until(lambda: Record.objects.count() == 3)
    assert set(Record.objects.values_list("trace_id", flat=True)) == {TRACE}

    line = wait_until(
        lambda: next((line for line in list(collector.lines) if line.text.startswith("confirmed by")), None),
        20,
    )
    assert (line.trace_id, line.span_id) == (TRACE, forwarding.span_id)
    supervisor.terminate()
    assert supervisor.wait(patient(10)) == 0
    roles = {line.resource["mqadmin.process"] for line in collector.lines}
    assert roles >= {"consumer", "supervisor"}


def test_who_published_decides_what_is_sampled(
    launch: Launch, define: Define, broker_config: BrokerConfig, vhost: str, collector: Receiver
) -> None:
    define("work", handler="tests.by_body")
    launch(**collector.environ(OTEL_TRACES_SAMPLER="parentbased_always_off"))
    unsampled, sampled = f"00-{'a' * 32}-{SPAN}-00", f"00-{'b' * 32}-{SPAN}-01"
    for headers in (None, {"traceparent": unsampled}, {"traceparent": sampled.encode()}):
        amqp.publish(broker_config, vhost, "work", [b"fail"], headers=headers)
    one(collector, "dead-letter work")
    wait_until(lambda: Record.objects.count() == 3)
    assert {span.trace_id for span in collector.spans} == {"b" * 32}
    copies = amqp.drain(broker_config, vhost, "mqadmin.parking", 3)
    assert sum("mqadmin-traceparent" in copy.headers for copy in copies) == 1
    traces = set(Record.objects.values_list("trace_id", flat=True))
    assert traces == {None, "a" * 32, "b" * 32}


@pytest.mark.parametrize(
    ("trouble", "way"),
    [
        ("away", "on"),
        ("hanging", "off"),
        ("refusing", "on"),
        pytest.param("away", "off", marks=IN_FULL),
        pytest.param("hanging", "on", marks=IN_FULL),
        pytest.param("refusing", "off", marks=IN_FULL),
    ],
)
def test_a_collector_in_trouble_is_nobodys(
    launch: Launch,
    define: Define,
    broker_config: BrokerConfig,
    vhost: str,
    collector: Receiver,
    way: str,
    trouble: str,
) -> None:
    if trouble == "hanging":
        collector.hanging.set()
    collector.status = 503 if trouble == "refusing" else 200
    environ = collector.environ(OTEL_BSP_MAX_QUEUE_SIZE="64", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="16")
    if trouble == "away":
        environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://user:pa55word@127.0.0.1:9"
    consumer = define("work", handler="record", prefetch=100, stop_seconds=20)
    launch(**environ)
    row = is_consuming(consumer)
    amqp.publish(broker_config, vhost, "work", [b"{}"] * 2_000)
    wait_until(lambda: Record.objects.filter(outcome="acked").count() == 2_000, 30)
    if trouble != "away":
        wait_until(lambda: collector.requests, 20)

    Consumer.objects.update(desired="stopped")
    ended = wait_until(lambda: ConsumerProcess.objects.filter(pk=row.pk, state="stopped").first(), 15)
    assert ended is not None
    assert ended.exit_reason == STOPPED_AS_ASKED  # nobody had to kill it: it did not wait for the collector
    assert amqp.depth(broker_config, vhost, "work") == 0
    said = output.tail(row.pk) or ""
    told = [line for line in said.splitlines() if "telemetry" in line]
    assert len(told) <= 4, said  # of each kind of fault one line a minute
    assert "pa55word" not in said


WITHOUT = """
import sys
from importlib.abc import MetaPathFinder
class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "opentelemetry" or name.startswith("opentelemetry."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""


def test_without_the_extra_a_line_says_what_is_missing(
    launch: Launch,
    define: Define,
    broker_config: BrokerConfig,
    vhost: str,
    collector: Receiver,
    tmp_path: Any,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    consumer = define("work", handler="tests.by_body")
    launch(**collector.environ(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])))
    row = is_consuming(consumer)
    amqp.publish(broker_config, vhost, "work", [b"fail", b"log:well"], headers={"traceparent": PARENT})
    wait_until(lambda: Record.objects.count() == 2)
    assert set(Record.objects.values_list("trace_id", flat=True)) == {TRACE}
    said = output.tail(row.pk) or ""
    assert said.count("Install the extra: mqadmin[otel]") == 1
    assert collector.requests == []


def test_nothing_is_loaded_or_sent_without_an_endpoint(process_environ: dict[str, str]) -> None:
    environ = {name: value for name, value in process_environ.items() if not name.startswith("OTEL_")}
    code = (
        "import django; django.setup()\n"
        "import sys\n"
        "from consumers.management.commands import run_consumer\n"
        "from mqadmin.telemetry import running\n"
        "running.load(); running.start('consumer'); running.offer(); running.stop()\n"
        "assert running.tracer() is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    for more in ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**environ, **more},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "[]\n"
