"""A client of AMQP 1.0 that signs in, opens a session and attaches a link: as little as a broker takes for one.

Encoding: OASIS AMQP 1.0, parts 1 (types) and 2 (transport). Frames are a size, 2, a type, a
channel, a described list.
"""

from __future__ import annotations

import socket
import struct
from urllib.parse import quote

from mqadmin.rabbit.config import BrokerConfig


class Symbol(str):
    """A text of ASCII that is a name of the protocol."""


class Client:
    """A connection of its own. Nothing of what the broker sends once the link stands is read.

    `broker`: where it is and who signs in; or who, a name and a password, over `line`. `address`: of what it reads,
    in place of the one that `queue` has on 4.x."""

    def __init__(
        self,
        broker: BrokerConfig | tuple[str, str],
        vhost: str,
        queue: str,
        *,
        credit: int,
        line: socket.socket | None = None,
        address: str = "",
    ) -> None:
        if isinstance(broker, BrokerConfig):
            endpoint, broker = broker.endpoints[0], broker.auth()
            line = socket.create_connection((endpoint.host, endpoint.port), timeout=10)
        assert line is not None
        self._socket = line
        user, password = broker
        self._greet(3)
        self._frame()  # the mechanisms
        self._send(1, 0x41, Symbol("PLAIN"), f"\0{user}\0{password}".encode())
        self._frame()
        self._greet(0)
        self._send(0, 0x10, "a container", f"vhost:{vhost}")
        self._frame()
        self._send(0, 0x11, None, 0, 100, 100)
        self._frame()
        source = (0x28, address or f"/queues/{quote(queue, safe='')}")
        self._send(0, 0x12, "a link", 0, True, None, None, source, (0x29,))
        self._frame()
        self._send(0, 0x13, 0, 100, 0, 100, 0, 0, credit)

    def close(self) -> None:
        self._socket.close()

    def _greet(self, protocol: int) -> None:
        header = b"AMQP" + bytes((protocol, 1, 0, 0))
        self._socket.sendall(header)
        assert self._read(8) == header

    def _read(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            more = self._socket.recv(size - len(got))
            assert more, "the broker closed the connection"
            got += more
        return got

    def _frame(self) -> bytes:
        (size,) = struct.unpack(">I", self._read(4))
        return self._read(size - 4)

    def _send(self, kind: int, descriptor: int, *values: object) -> None:
        body = described(descriptor, values)
        self._socket.sendall(struct.pack(">IBBH", len(body) + 8, 2, kind, 0) + body)


def described(descriptor: int, values: tuple[object, ...]) -> bytes:
    """Return a list with its descriptor: 0x00, a small ulong, a list32."""
    items = b"".join(encoded(value) for value in values)
    return (
        b"\x00\x53" + bytes((descriptor,)) + b"\xd0" + struct.pack(">II", len(items) + 4, len(values)) + items
    )


def encoded(value: object) -> bytes:
    """Return one value; a tuple is a described list: its descriptor, then its values."""
    match value:
        case None:
            return b"\x40"
        case bool():
            return b"\x41" if value else b"\x42"
        case int():
            return b"\x70" + struct.pack(">I", value)
        case Symbol():
            return b"\xb3" + struct.pack(">I", len(value)) + value.encode()
        case str():
            data = value.encode()
            return b"\xb1" + struct.pack(">I", len(data)) + data
        case bytes():
            return b"\xb0" + struct.pack(">I", len(value)) + value
        case (int() as descriptor, *values):
            return described(descriptor, tuple(values))
    raise TypeError(value)
