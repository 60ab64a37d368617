"""The last hour of exchanges, connections, channels and virtual hosts, as the broker keeps it."""

from __future__ import annotations

import pika
import pytest

from mqadmin.rabbit.administration import channels, past
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.types import Series
from tests.administration.conftest import HARD as NAMES
from tests.support.management import Management
from tests.support.waiting import wait_until

HARD = NAMES[0]


@pytest.mark.broker
def test_what_passes_is_found_in_the_past_of_all_that_it_passes(
    management: Management, broker_config: BrokerConfig, vhost: str
) -> None:
    connection = pika.BlockingConnection(broker_config.connection_parameters(vhost))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.exchange_declare(HARD, "fanout")
    channel.queue_declare("q")
    channel.queue_bind("q", HARD)
    found: dict[str, dict[str, Series]] = {}

    def is_told() -> bool:
        for _ in range(10):
            channel.basic_publish(HARD, "", b"x" * 1000)
        mine = [item for item in channels.listed(management) if item.vhost == vhost]
        if not mine or not mine[0].connection:  # its statistics come before what it belongs to
            return False
        found.update(
            exchange=past.exchange(management, vhost, HARD),
            connection=past.connection(management, mine[0].connection),
            channel=past.channel(management, mine[0].name),
            vhost=past.vhost(management, vhost),
        )
        return all(
            any(value > 0 for _at, value in found[of].get(line, ()))
            for of, line in [
                ("exchange", "in"),
                ("exchange", "out"),
                ("connection", "received"),
                ("channel", "publish"),
                ("channel", "confirm"),
                ("vhost", "publish"),
                ("vhost", "ready"),
            ]
        )

    wait_until(is_told, 60)
    connection.close()
    assert past.exchange(management, vhost, "") == {}
    for line in (line for lines in found.values() for line in lines.values()):
        times = [at for at, _value in line]
        assert times == sorted(set(times))


def test_the_finer_points_take_the_place_of_the_coarse() -> None:
    assert past.joined(((0, 1), (60, 2), (120, 3)), ((90, 5), (100, 6))) == (
        (0, 1),
        (60, 2),
        (90, 5),
        (100, 6),
    )
    assert past.joined(((0, 1),), ()) == ((0, 1),)
    assert past.points(((1.4, 0.12345),)) == [[1, 0.123]]
