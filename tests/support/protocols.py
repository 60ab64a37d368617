"""Clients of what RabbitMQ speaks besides AMQP 0-9-1, as little of each as a broker takes for one: they sign in,
and read one queue. By hand, as a library would hide what is sent.

Sources: MQTT 3.1.1 (OASIS), STOMP 1.2, RabbitMQ's PROTOCOL.adoc of the plugin rabbitmq_stream.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Door:
    """Where a protocol is spoken, and how one signs in there. With `ca_file`, by TLS, to who is vouched for by it;
    `client_files`: of a certificate that is shown."""

    port: int
    user: str
    password: str
    vhost: str
    ca_file: str = ""
    client_files: tuple[str, str] | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Wire]:
        """Yield a connection to it, closed after the block."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        if self.ca_file:
            line = self.context().wrap_socket(line, server_hostname="localhost")
        with contextlib.closing(line):
            yield Wire(line)

    def context(self) -> ssl.SSLContext:
        """Return what TLS goes by."""
        found = ssl.create_default_context(cafile=self.ca_file)
        if self.client_files:
            found.load_cert_chain(*self.client_files)
        return found


class Wire:
    """A socket from which one reads as much as one asks for."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line

    def send(self, data: bytes) -> None:
        self.line.sendall(data)

    def read(self, size: int) -> bytes:
        """Return so many bytes. Raises EOFError once the broker has closed the connection."""
        got = b""
        while len(got) < size:
            more = self.line.recv(size - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def until(self, sign: bytes) -> bytes:
        """Return what comes up to the piece that has this sign in it."""
        got = b""
        while sign not in got:
            more = self.line.recv(4096)
            if not more:
                raise EOFError
            got += more
        return got

    def rest(self) -> bytes:
        """Return what still comes till the broker closes the connection, which it does soon."""
        got = b""
        with contextlib.suppress(ConnectionError):
            while more := self.line.recv(4096):
                got += more
        return got


def mqtt(door: Door, wire: Wire, client: str) -> None:
    """Sign in as an MQTT client of this id, and subscribe to a topic of its name."""

    def packet(kind: int, body: bytes) -> bytes:
        assert len(body) < 128, "one byte says how long it is"
        return bytes((kind, len(body))) + body

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value.encode())) + value.encode()

    signed = text(client) + text(f"{door.vhost}:{door.user}") + text(door.password)
    # 4: MQTT 3.1.1; 0xc2: with user and password, as a clean session; 60 s between signs of life
    wire.send(packet(0x10, text("MQTT") + b"\x04\xc2" + struct.pack(">H", 60) + signed))
    assert wire.read(4) == b"\x20\x02\x00\x00"
    wire.send(packet(0x82, struct.pack(">H", 1) + text(client) + b"\x00"))
    assert wire.read(5) == b"\x90\x03\x00\x01\x00"


def stomp(door: Door, wire: Wire, queue: str) -> None:
    """Sign in by STOMP, and read a queue."""

    def frame(command: str, **headers: str) -> bytes:
        lines = "".join(f"{name.replace('_', '-')}:{value}\n" for name, value in headers.items())
        return f"{command}\n{lines}\n\0".encode()

    login = {"login": door.user, "passcode": door.password}
    wire.send(frame("CONNECT", accept_version="1.2", host=door.vhost, **login))
    assert wire.read(10) == b"CONNECTED\n"
    wire.send(frame("SUBSCRIBE", id="1", destination=f"/amq/queue/{queue}", ack="client", receipt="r"))
    answer = b""
    while b"RECEIPT\n" not in answer:
        answer += wire.read(1)


def stream(door: Door, wire: Wire, called: str, queue: str) -> None:
    """Sign in by the protocol of streams, publish one message to a stream, and read it."""

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value.encode())) + value.encode()

    def asked(key: int, body: bytes) -> None:
        send(key, struct.pack(">I", 7) + body)
        found, answer = frame()
        assert found == 0x8000 | key
        assert answer[:6] == struct.pack(">IH", 7, 1), "1: it is granted"

    def send(key: int, body: bytes) -> None:
        wire.send(struct.pack(">IHH", len(body) + 4, key, 1) + body)

    def frame() -> tuple[int, bytes]:
        (size,) = struct.unpack(">I", wire.read(4))
        body = wire.read(size)
        return struct.unpack(">H", body[:2])[0], body[4:]

    said = {"connection_name": called, "product": "a stream client", "version": "1"}
    asked(
        0x11, struct.pack(">I", len(said)) + b"".join(text(key) + text(value) for key, value in said.items())
    )
    asked(0x12, b"")
    response = f"\0{door.user}\0{door.password}".encode()
    asked(0x13, text("PLAIN") + struct.pack(">I", len(response)) + response)
    key, tuned = frame()
    assert key == 0x14
    send(0x14, tuned)
    asked(0x15, text(door.vhost))
    # publisher 3 with a reference, and its message 1
    asked(0x01, b"\x03" + text(f"ref-{called}") + text(queue))
    body = b"\x00\x53\x75\xa0\x01x"  # as AMQP 1.0 writes it, so that others may read it
    wire.send(struct.pack(">IHHBIQI", 21 + len(body), 0x02, 1, 3, 1, 1, len(body)) + body)
    key, confirmed = frame()
    assert key == 0x03, confirmed
    # subscription 0, from the first offset (1), with credit for one chunk, no properties
    asked(0x07, b"\x00" + text(queue) + struct.pack(">HHI", 1, 1, 0))
