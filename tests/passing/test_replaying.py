"""What a tap saw, published to a test queue on a real broker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mqadmin.core.acts import operations
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.passing.acts import replaying
from mqadmin.passing.models import Replayed, Seen, Tap
from mqadmin.rabbit.config import BrokerConfig
from tests.passing.conftest import OLE
from tests.passing.factories import make_seen, make_tap
from tests.support import amqp
from tests.support.management import Management

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def tap(vhost: str, management: Management) -> Tap:
    management.declare_queue(vhost, "orders")
    management.declare_queue(vhost, "copy")
    management.declare_queue(vhost, "trial")
    management.declare_exchange(vhost, "shop", type="topic")
    management.bind(vhost, "shop", "copy", "order.*")
    made = make_tap(vhost=vhost, bound=[["shop", "order.*", {}]])
    for number in range(3):
        make_seen(
            made, at=START + timedelta(milliseconds=30 * number), message_id=f"m{number}", body=b"%d" % number
        )
    return made


def carried_out(operation: Operation) -> Operation:
    operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


@pytest.mark.parametrize("rate", [0, 100])
def test_a_replay_goes_to_a_test_queue(tap: Tap, broker_config: BrokerConfig, vhost: str, rate: int) -> None:
    Seen.objects.filter(message_id="m1").update(is_cut=True)
    operation = carried_out(replaying.replay(tap=tap, to_queue="trial", rate=rate, by=OLE))
    assert (operation.status, operation.done, operation.failed) == ("done", 2, 1)
    found = amqp.drain(broker_config, vhost, "trial", expect=2)
    assert [item.body for item in found] == [b"0", b"2"]
    assert found[0].headers["tenant"] == "acme"
    assert operation.problems.get().target == "m1"


def test_a_message_in_the_ledger_is_not_published_again(
    tap: Tap, broker_config: BrokerConfig, vhost: str
) -> None:
    operation = replaying.replay(tap=tap, to_queue="trial", rate=100, by=OLE)
    first = Seen.objects.get(message_id="m0")
    Replayed.objects.create(operation=operation, message=first, is_ok=True)
    carried_out(operation)
    assert [item.body for item in amqp.drain(broker_config, vhost, "trial", expect=2)] == [b"1", b"2"]


@pytest.mark.parametrize("queue", ["orders", "copy"])
def test_the_original_queue_is_refused(tap: Tap, queue: str) -> None:
    with pytest.raises(Refusal) as refused:
        replaying.replay(tap=tap, to_queue=queue, by=OLE)
    assert refused.value.code == "original"
    assert not Operation.objects.exists()


def test_a_queue_that_is_not_there_is_refused(tap: Tap) -> None:
    with pytest.raises(Refusal) as refused:
        replaying.replay(tap=tap, to_queue="missing", by=OLE)
    assert refused.value.code == "no_destination"
