"""What the README shows of handlers runs as it stands there."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.handlers import registry
from consumers.models import Record
from consumers.runtime.api import Reject, Retry
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.handlers.deliveries import delivery
from tests.support import amqp
from tests.support.consumers import make_consumer
from tests.support.processes import ROOT, manage
from tests.support.waiting import wait_until


def snippets() -> list[str]:
    text = (ROOT / "README.md").read_text()
    section = re.search(r"^## A handler of your own\n(.*?)^## ", text, re.M | re.S)
    assert section
    return re.findall(r"^```python\n(.*?)^```", section[1], re.M | re.S)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the README's handlers in one module each."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    for name, code in zip(("note", "send", "store"), snippets(), strict=True):
        (tmp_path / "shop" / f"{name}.py").write_text(code)
    return tmp_path


@pytest.fixture
def loaded(shop: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    registry.load()
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    monkeypatch.setattr(registry, "_problems", {})
    monkeypatch.setattr(registry, "_loaded", False)
    monkeypatch.syspath_prepend(str(shop))
    monkeypatch.chdir(shop)
    settings.MQADMIN_HANDLERS = ["shop.note", "shop.send", "shop.store"]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.mark.usefixtures("loaded")
def test_the_short_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    note = registry.bind(registry.get("invoices.note"), {})
    note(delivery({"number": "R-1"}))
    assert caplog.messages == ["invoice R-1"]
    with pytest.raises(ValueError):
        note(delivery(b"no json"))
    assert not registry.problems()


@pytest.mark.usefixtures("loaded")
def test_the_one_with_options(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = registry.get("invoices.send")
    assert [(field.label, field.default, field.minimum) for field in registry.option_fields(found)] == [
        ("Largest amount", 10_000, 1)
    ]
    send = registry.bind(found, {"largest": "500"})
    send(delivery({"number": "R-1", "amount": 500}))
    assert caplog.messages == ["sent invoice R-1"]
    with pytest.raises(Reject, match="too large"):
        send(delivery({"number": "R-2", "amount": 501}))
    with pytest.raises(Retry) as caught:
        send(delivery({"number": "R-3", "amount": 1, "busy": True}))
    assert caught.value.delay == 2


@pytest.mark.broker
@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_the_one_for_batches_on_a_broker(
    process_environ: dict[str, str], broker_config: BrokerConfig, vhost: str, shop: Path
) -> None:
    """The module is found by its path, the whole way: environment, registry, batch, results."""
    # The process runs in the project's folder: the file is to go to the test's.
    module = shop / "shop" / "store.py"
    module.write_text(module.read_text().replace('"invoices.sqlite3"', f'"{shop}/invoices.sqlite3"'))
    environ = {**process_environ, "PYTHONPATH": str(shop), "MQADMIN_HANDLERS": "shop.note, shop.store"}
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("q", durable=True)
    bodies = [b"no json"] + [
        b'{"number": "R-%d", "amount": %d}' % (number, number) for number in range(1, 10)
    ]
    amqp.publish(broker_config, vhost, "q", bodies)
    make_consumer(
        name="invoices", vhost=vhost, queue="q", handler="invoices.store", desired="running",
        batch_size=10, batch_seconds=10, prefetch=10,
    )  # fmt: skip
    with manage(environ, "run_consumer", "invoices"):
        wait_until(lambda: Record.objects.count() == 10, 30, what="10 records")
    with sqlite3.connect(shop / "invoices.sqlite3") as database:
        assert database.execute("SELECT count(*), sum(amount) FROM invoices").fetchone() == (9, 45)
    failed = Record.objects.exclude(outcome="acked").get()
    assert (failed.message_id, failed.outcome, failed.error_type) == (
        "m0",
        "dead_lettered",
        "JSONDecodeError",
    )
