"""A port that cannot be had: the message names the variable, the holder and a way out."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from mqadmin.local import ports
from mqadmin.local.trouble import Trouble


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_taken_port_names_variable_and_holder(taken: int) -> None:
    with pytest.raises(Trouble) as caught:
        ports.check_free("127.0.0.1", taken, "PORT", "the web page")
    text = str(caught.value)
    assert f"Port {taken} (the web page) is taken by" in text
    assert f"(process {os.getpid()})" in text
    assert "make up PORT=" in text


def test_suggested_port_is_free(taken: int) -> None:
    suggested = ports.next_free("127.0.0.1", taken)
    ports.check_free("127.0.0.1", suggested, "PORT", "the web page")
    assert suggested != taken


def test_port_whose_connections_just_closed_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as web servers and RabbitMQ do
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # this side closed first: the port is now in TIME_WAIT
    ports.check_free("127.0.0.1", port, "PORT", "the web page")


def test_address_of_another_machine() -> None:
    with pytest.raises(Trouble, match=r"HOST=192\.0\.2\.1 is not an address of this machine"):
        ports.check_free("192.0.2.1", 8000, "PORT", "the web page")


def test_who_has_a_share_picks_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ports.SHARE_VARIABLE, "7/8")
    assert ports.pick() in range(30_500, 32_000)
    monkeypatch.delenv(ports.SHARE_VARIABLE)
    assert ports.pick() in range(20_000, 32_000)


def test_a_port_that_is_not_bound_yet_is_not_picked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ports.SHARE_VARIABLE, "0/40")  # 300 ports, of which two would soon be the same
    monkeypatch.setattr(ports, "_picked", set())
    picked = [ports.pick() for _time in range(60)]
    assert len({*picked}) == 60
