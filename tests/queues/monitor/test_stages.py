"""A broker that stops, is killed or starts, asked all the while: each stage is told as what it is.

RabbitMQ takes its management API away before it stops to listen: for a while it answers 404 to who kept a
connection, and 4.x also 500 without a body, when it starts too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mqadmin.local.node import Node
from mqadmin.queues.pages.broker_status import fault
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support.waiting import wait_until

ELSEWHERE = fault("management_unavailable")[0]
CALLS: dict[str, Callable[[ManagementClient], object]] = {
    "overview": ManagementClient.overview,
    "nodes": ManagementClient.nodes,
    "queues": ManagementClient.queues,
    "a queue": lambda client: client.queue("/", "work"),
    "its vhost": lambda client: client.bindings("/"),
}


class Heard:
    """What came of one call, over and over: the codes of the faults, in their order, "" for an answer."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.asked = 0

    def note(self, code: str) -> None:
        self.asked += 1
        if self.codes[-1:] != [code]:
            self.codes.append(code)


@contextmanager
def asked_all_the_while(config: BrokerConfig) -> Iterator[dict[str, Heard]]:
    """Make each call again and again, each with a client of its own, which keeps its connection."""
    stop, heard = threading.Event(), {name: Heard() for name in CALLS}

    def ask(name: str) -> None:
        client = ManagementClient(config)
        while not stop.wait(0.02):
            try:
                CALLS[name](client)
                heard[name].note("")
            except RabbitError as error:
                heard[name].note(error.code)
        client.close()

    threads = [threading.Thread(target=ask, args=(name,)) for name in CALLS]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.processes
def test_each_stage_of_a_stop_and_a_start_has_its_own_words(restartable_broker: Node) -> None:
    node = restartable_broker
    urls = {"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url}
    config = load(urls)["default"]
    client = ManagementClient(config)
    client.declare_queue("/", "work")

    with asked_all_the_while(config) as heard:
        for end in (node.stop, node.kill):
            wait_until(lambda: all(it.codes[-1:] == [""] for it in heard.values()), 30, what="answers to all")
            end()
            wait_until(
                lambda: all(it.codes[-1:] == ["no_response"] for it in heard.values()), 30, what="silence"
            )
            node.start()
            node.wait()
        wait_until(lambda: all(it.codes[-1:] == [""] for it in heard.values()), 30, what="answers again")

    codes = {code for it in heard.values() for code in it.codes} - {""}
    assert codes <= {"stopping", "api_absent", "unavailable", "no_response", "timeout"}
    assert ELSEWHERE not in {fault(code)[0] for code in codes}
    for name in ("overview", "a queue"):
        assert not {"not_found", "management_unavailable"} & set(heard[name].codes), (
            "neither gone nor another's"
        )
    client.close()
