"""Looks at a broker's clients: rare, at once where something hints at trouble, and never in the way."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from mqadmin.queues.models import Broker
from mqadmin.queues.monitor.cluster.facts import Clients
from mqadmin.queues.monitor.cluster.looking import Hints, Looker
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.queues.monitor.sight import Sight
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import ConnectionInfo, OverviewInfo, UserInfo

SEEING = Sight(UserInfo("mqadmin", ("monitoring",)))
OVERVIEW = OverviewInfo("RabbitMQ", "4.3.6", "shop", channels=10)
CALM = Hints()


class Counting(ManagementClient):
    """mqadmin's client, and how often it lists connections."""

    looks = 0

    def connections(self) -> list[ConnectionInfo]:
        self.looks += 1
        return super().connections()


@pytest.mark.broker
def test_a_look_is_taken_now_and_then_and_where_something_is_wrong(broker_config: BrokerConfig) -> None:
    client = Counting(broker_config)
    looker = Looker(client)
    looks = []
    for at, hints, channels in (
        (0.0, CALM, 10),
        (10.0, CALM, 10),
        (20.0, CALM, 59),
        (21.0, CALM, 60),  # many more than at the last look
        (40.0, CALM, 60),
        (45.0, Hints(("rabbit@a memory",)), 60),
        (50.0, Hints(("rabbit@a memory",)), 60),
        (60.0, Hints(unroutable=True), 60),
        (90.0, Hints(unroutable=True), 60),
    ):
        clients, definitions = looker.look(replace(OVERVIEW, channels=channels), SEEING, hints, at)
        assert clients.connections is not None
        looks.append((client.looks, definitions is not None, clients.exchanges is not None))
    client.close()
    assert [count for count, _defined, _flows in looks] == [1, 1, 1, 2, 2, 3, 3, 4, 5]
    assert [defined for _count, defined, _flows in looks] == [
        True, False, False, True, False, True, False, True, True,
    ]  # fmt: skip
    assert [flows for _count, _defined, flows in looks] == [False] * 7 + [True] * 2


def test_a_broker_that_does_not_list_them_is_asked_ever_more_seldom(
    broker_config: BrokerConfig, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = replace(broker_config, management_url="http://mqadmin:secret@127.0.0.1:1/")
    looker, asked = Looker(ManagementClient(nowhere)), []
    with caplog.at_level(logging.WARNING):
        for at in range(0, 2000, 5):
            before = looker._due_at
            assert looker.look(OVERVIEW, SEEING, CALM, float(at)) == (Clients(why="no_answer"), None)
            if looker._due_at != before:
                asked.append(at)
    assert asked[:5] == [0, 60, 180, 420, 900]
    assert len({record.message for record in caplog.records}) == 1, "said once, not at each look"


@pytest.mark.broker
@pytest.mark.parametrize(
    ("overview", "sight", "why"),
    [
        (OVERVIEW, Sight(UserInfo("mqadmin", ("management",))), "tag_missing"),
        (replace(OVERVIEW, statistics_disabled=True), SEEING, "statistics_off"),
    ],
)
def test_what_cannot_be_seen_is_not_asked_for(
    broker_config: BrokerConfig, overview: OverviewInfo, sight: Sight, why: str
) -> None:
    client = Counting(broker_config)
    assert Looker(client).look(overview, sight, CALM, 0.0)[0] == Clients(why=why)
    assert client.looks == 0


@pytest.mark.broker
@pytest.mark.django_db
def test_what_goes_wrong_here_stops_no_sample_and_heals(
    broker_config: BrokerConfig, caplog: pytest.LogCaptureFixture
) -> None:
    Broker.objects.create(slug="default", facts={"states": {"x": {"from": "another version"}}})
    client = ManagementClient(broker_config)
    sampler = Sampler("default", client)
    sampler.sample()
    assert "could not be judged as a whole" in caplog.text
    caplog.clear()
    sampler.sample()
    client.close()
    assert not caplog.records
    assert Broker.objects.get().facts["at"]
