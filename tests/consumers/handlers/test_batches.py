"""R17: a batch consumer, alone, tried and on a broker."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from consumers.handlers import registry
from consumers.models import Record
from consumers.runtime.api import Reject
from consumers.trying import trial_message, trying
from mqadmin.core.acts.audit import Actor
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.handlers.deliveries import delivery
from tests.support import amqp
from tests.support.consumers import make_consumer
from tests.support.processes import manage
from tests.support.waiting import patient, wait_until

PLACE = registry.Place("c", "default", "/", "q")


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "batches"


def bound(**options: Any) -> Any:
    return registry.bind(registry.get("batches.append"), options, PLACE)


def lines(folder: Path) -> list[Any]:
    return [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]


def test_a_batch_is_one_write_and_one_fsync(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def count(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any) -> Any:
            calls.append(name)
            return real(*arguments)

        monkeypatch.setattr(os, name, call)

    count("write")
    count("fsync")
    messages = [delivery({"n": n}, message_id=f"m{n}") for n in range(100)]
    assert bound(name="orders")(messages) == [None] * 100
    assert calls == ["write", "fsync"]
    assert lines(folder) == [{"message_id": f"m{n}", "document": {"n": n}} for n in range(100)]
    [path] = folder.iterdir()
    assert path.name.startswith("orders-20")


def test_what_is_not_json_is_rejected_alone(folder: Path) -> None:
    results = bound()([delivery(1), delivery(b"\xff"), delivery(b"[" * 100_000), delivery("two\nlines")])
    assert [type(result) for result in results] == [type(None), Reject, Reject, type(None)]
    assert "not JSON" in str(results[1])
    assert [line["document"] for line in lines(folder)] == [1, "two\nlines"]


def test_a_disk_that_fails_half_way_leaves_the_file_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound()([delivery("first")])
    write = os.write

    def full(descriptor: int, data: memoryview) -> int:
        if len(data) < 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            bound()([delivery("second"), delivery("third")])
    assert [line["document"] for line in lines(folder)] == ["first"]
    bound()([delivery("fourth")])
    assert [line["document"] for line in lines(folder)] == ["first", "fourth"]


def test_threads_do_not_mix_their_lines(folder: Path) -> None:
    append = bound()
    bodies = [f"{number}" * 2_000 for number in range(8)]
    threads = [threading.Thread(target=append, args=([delivery(body)] * 20,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patient(30))
    assert sorted(line["document"] for line in lines(folder)) == sorted(bodies * 20)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "-x", "x" * 61, "a b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(registry.OptionsError) as caught:
        bound(name=name)
    assert list(caught.value.errors) == ["name"]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_batch_handler_is_tried_with_a_batch_of_one(
    process_environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQADMIN_VAR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", process_environ["DATABASE_URL"])
    consumer = make_consumer(handler="batches.append", batch_size=50, prefetch=50)

    def attempt(body: str) -> trying.Trial:
        return trying.run(consumer=consumer, by=Actor("anna"), message=trial_message.typed(body=body))

    done = attempt('{"n": 1}')
    assert (done.outcome, done.error) == ("acked", "")
    assert [line.text for line in done.log] == ["line 1 of a batch of 1"]
    assert [line["document"] for line in lines(tmp_path / "batches")] == [{"n": 1}]
    rejected = attempt("no json")
    assert rejected.outcome == "dead_lettered"
    assert "the body is not JSON" in rejected.detail


@pytest.mark.broker
@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_r17_a_consumer_writes_batches_by_size_and_by_time(
    process_environ: dict[str, str], broker_config: BrokerConfig, vhost: str, tmp_path: Path
) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("q", durable=True)
    bodies = [b'{"n": %d}' % number for number in range(120)]
    bodies[60] = b"no json"
    amqp.publish(broker_config, vhost, "q", bodies)
    make_consumer(
        name="batches", vhost=vhost, queue="q", handler="batches.append", desired="running",
        batch_size=50, batch_seconds=0.5, prefetch=100,
    )  # fmt: skip
    with manage({**process_environ, "MQADMIN_VAR": str(tmp_path)}, "run_consumer", "batches"):
        wait_until(lambda: Record.objects.count() == 120, 30, what="120 records")
    assert [line["document"]["n"] for line in lines(tmp_path / "batches")] == [
        number for number in range(120) if number != 60
    ]
    sizes = {
        record.log[0][2].rpartition(" ")[2] for record in Record.objects.filter(outcome="acked") if record.log
    }
    assert sizes == {"50", "20"}
    rejected = Record.objects.exclude(outcome="acked").get()
    assert (rejected.outcome, rejected.error_type) == ("dead_lettered", "Reject")
    assert amqp.depth(broker_config, vhost, "q") == 0


def test_a_document_is_appended_as_it_was_sent(folder: Path) -> None:
    sent = b'{"n": 12345678901234567.89,\n"k":1.10,"k":2}'
    assert bound(name="orders")([delivery(sent, message_id="m")]) == [None]
    (path,) = folder.glob("*.jsonl")
    assert path.read_text() == (
        '{"message_id": "m", "document": {"n": 12345678901234567.89, "k": 1.10, "k": 2}}\n'
    )
