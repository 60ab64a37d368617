from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mqadmin.local import ports
from mqadmin.local.node import Node
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.support.management import Management
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


@pytest.fixture
def alarmed_broker(tmp_path: Path) -> Iterator[BrokerConfig]:
    """A node of its own that always finds its memory too full."""
    node = Node(tmp_path / "node", ports.pick(), ports.pick())
    (node.folder / "conf.d").mkdir(parents=True)
    (node.folder / "conf.d" / "full.conf").write_text("vm_memory_high_watermark.absolute = 1MB\n")
    node.start()
    try:
        node.wait()
        yield load({"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url})["default"]
    finally:
        node.stop(timeout=0)


def test_a_broker_with_an_alarm_says_so_and_takes_nothing(alarmed_broker: BrokerConfig) -> None:
    client = Management(alarmed_broker)
    wait_until(lambda: client.alarms() == ["memory"], what="the alarm")
    wait_until(lambda: client.nodes()[0].mem_alarm, what="the node reports it")
    client.declare_queue("/", "q")
    publisher = Publisher(alarmed_broker, "/")
    # The broker tells of the alarm at the first message, so the first batch may be under way when it comes.
    assert publisher.publish_batch([Outgoing("", "q", b"")] * 3, timeout_s=2)[-1].reason == "blocked"
    receipts = publisher.publish_batch([Outgoing("", "q", b"")] * 3, timeout_s=0.2)
    publisher.close()
    client.close()
    assert [(receipt.reason, receipt.unknown) for receipt in receipts] == [("blocked", False)] * 3
    assert "alarm" in receipts[0].detail
