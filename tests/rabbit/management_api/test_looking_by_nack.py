"""A look on RabbitMQ 4.3 and later, where a nack is no return that counts: everything is back as it was."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import UnsafePeek
from mqadmin.rabbit.management_api.peek import peek
from tests.support import amqp
from tests.support.management import Management
from tests.support.returns import nacks_count
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

LIMIT = 5
LATER = {"x-delayed-retry-min": 60_000, "x-delayed-retry-max": 60_000}  # ms


@pytest.fixture(autouse=True)
def _where_nacks_do_not_count(management: Management) -> None:
    if nacks_count(management):
        pytest.skip("a nack counts here")


def counts(config: BrokerConfig, vhost: str, taken: int = 3) -> list[tuple[bytes, int]]:
    """Take so many of the three messages, and have them back as one has whose channel dies, which counts. Return
    the counts of before."""
    wait_until(lambda: amqp.depth(config, vhost, "q") == 3, what="all three in their places")
    with amqp.channel(config, vhost) as channel:
        found = [channel.basic_get("q") for _ in range(taken)]
        return [(body, (props.headers or {}).get("x-delivery-count", 0)) for _, props, body in found]


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-delivery-limit": LIMIT},
        {"x-delivery-limit": -1},
        {"x-delivery-limit": LIMIT, "x-delayed-retry-type": "failed", **LATER},
    ],
    ids=["limit", "no limit", "delays failures"],
)
def test_looked_at_for_ever_at_the_limit(
    arguments: dict[str, Any], management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    management.declare_queue(vhost, "q", arguments={"x-queue-type": "quorum", **arguments})
    amqp.publish(broker_config, vhost, "q", [b"1", b"2", b"3"])
    deaths = LIMIT if "x-delayed-retry-type" not in arguments else 0
    for _ in range(deaths):
        counts(broker_config, vhost, 1)
    for _ in range(3 * LIMIT):
        wait_until(lambda: amqp.depth(broker_config, vhost, "q") == 3)
        found = [(item.message.body, item.put_back) for item in peek(management, vhost, "q", 2)]
        assert found == [(b"1", "returned"), (b"2", "returned")]
    assert counts(broker_config, vhost) == [(b"1", deaths), (b"2", 0), (b"3", 0)]


@pytest.mark.parametrize("kind", ["all", "returned"])
@pytest.mark.parametrize("is_policy", [False, True], ids=["argument", "policy"])
def test_refused_where_a_return_would_hide_it(
    kind: str, is_policy: bool, management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    delays = {"x-delayed-retry-type": kind, **LATER}
    management.declare_queue(
        vhost, "q", arguments={"x-queue-type": "quorum", **({} if is_policy else delays)}
    )
    amqp.publish(broker_config, vhost, "q", [b"x"])
    if is_policy:
        management.set_policy(vhost, "late", "^q$", {name[2:]: value for name, value in delays.items()})
    with pytest.raises(UnsafePeek, match="hide"):
        peek(management, vhost, "q")
    [found] = amqp.drain(broker_config, vhost, "q", expect=1)
    assert not found.redelivered
