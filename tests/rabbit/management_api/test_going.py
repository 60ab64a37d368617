"""What RabbitMQ (3.10.8 and 4.3.6 were seen to) answers of what ends in that very moment: it is gone, no fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mqadmin.rabbit.administration import channels, connections, vhosts
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import BadResponse, ManagementUnavailable, NoResponse, NotFound
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support.web_servers import Request, http_server

Answer = tuple[int, bytes]
WORDLESS: Answer = (500, b"")
GONE: Answer = (404, b'{"error":"Object Not Found","reason":"Not Found"}')
NAME = "127.0.0.1:1 -> 127.0.0.1:2"


@contextmanager
def broker(told: Callable[[Request], Answer]) -> Iterator[ManagementClient]:
    """A client of what says who one is, and answers else as it is told."""

    def answer(request: Request) -> Answer:
        return (200, b'{"name":"guest","tags":["administrator"]}') if _asks_who(request) else told(request)

    with http_server() as server:
        server.told, server.headers = answer, {"Content-Type": "application/json"}
        address = server.url.replace("//", "//guest:guest@")
        client = ManagementClient(BrokerConfig("going", "", "amqp://127.0.0.1:1", address))
        yield client
        client.close()


def _asks_who(request: Request) -> bool:
    return request.path.endswith("/whoami")


LEFT = [  # of a virtual host that was deleted while it was looked up
    {"recv_oct": 41752, "recv_oct_details": {"rate": 121.8}, "send_oct": 42560},  # 3.10.8
    {"metadata": {"default_queue_type": "classic"}, "default_queue_type": "classic"},  # 4.3.6
]


@pytest.mark.parametrize("left", LEFT)
def test_a_virtual_host_that_is_just_deleted_is_none(left: dict[str, object]) -> None:
    def told(request: Request) -> Answer:
        if "/vhosts/" in request.path:
            return 200, json.dumps(left).encode()
        return 200, json.dumps([left, {"name": "shop"}] if "/vhosts" in request.path else []).encode()

    with broker(told) as client:
        assert [item.name for item in client.vhosts()] == ["shop"]
        assert [item.name for item in vhosts.listed(client)] == ["shop"]
        with pytest.raises(NotFound):
            vhosts.one(client, "was")


@pytest.mark.parametrize("entry", [{}, {"user": "guest"}, "shop", None, 7])
def test_what_is_no_virtual_host_is_refused(entry: object) -> None:
    with broker(lambda _request: (200, json.dumps([entry]).encode())) as client:
        for ask in (client.vhosts, lambda: vhosts.listed(client)):
            with pytest.raises(ManagementUnavailable, match="not RabbitMQ's management API"):
                ask()


ASKED: dict[str, Callable[[ManagementClient], object]] = {
    "connection": lambda client: connections.one(client, NAME),
    "close": lambda client: connections.close(client, NAME, reason="old"),
    "channels": lambda client: channels.of_connection(client, NAME),
    "channel": lambda client: channels.one(client, f"{NAME} (1)"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_connection_that_is_just_ending_is_gone(asked: str) -> None:
    answers = [WORDLESS, WORDLESS, GONE]

    def told(request: Request) -> Answer:
        if "/vhosts" in request.path:  # is it one that is hidden?
            return 200, b"[]"
        return answers.pop(0) if len(answers) > 1 else GONE

    with broker(told) as client:
        with pytest.raises(NotFound):
            ASKED[asked](client)
        assert answers == [GONE]


@pytest.mark.parametrize("asked", ASKED)
def test_who_never_says_a_word_is_not_asked_for_ever(asked: str) -> None:
    with broker(lambda _request: WORDLESS) as client, pytest.raises((NoResponse, BadResponse)):
        ASKED[asked](client)


def test_a_broker_that_ends_is_that() -> None:
    """And none that knows no such connection."""
    with http_server() as server:
        server.status, server.body = WORDLESS
        client = ManagementClient(BrokerConfig("going", "", "amqp://127.0.0.1:1", server.url))
        with pytest.raises(NoResponse):
            connections.one(client, NAME)
        assert [_asks_who(request) for request in server.requests] == [False, True]
        client.close()
