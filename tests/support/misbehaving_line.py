"""A line to the broker that misbehaves as real ones do: silent in one direction, cut, closed by halves."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

from tests.rabbit.proxy import Proxy

Direction = Literal["up", "down"]  # up: to the broker


class MisbehavingLine(Proxy):
    """A proxy whose directions fail apart from each other. Any thread."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._gates = {"up": threading.Event(), "down": threading.Event()}
        for gate in self._gates.values():
            gate.set()

    def __enter__(self) -> MisbehavingLine:
        super().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.flow()
        super().__exit__(*_)

    def stall(self, *directions: Direction) -> None:
        """Pass nothing on in these directions any more; connections stay open."""
        for direction in directions:
            self._gates[direction].clear()

    def flow(self) -> None:
        """Pass everything on again, also what was held back."""
        for gate in self._gates.values():
            gate.set()

    def half_close(self, direction: Direction) -> int:
        """Tell the end of every connection in this direction only; return how many connections there were.

        The other direction stays open, as behind a firewall that dropped half of its state.
        """
        pairs = list(zip(self._sockets[::2], self._sockets[1::2], strict=False))
        closed = 0
        for client, server in pairs:
            with contextlib.suppress(OSError):
                (server if direction == "up" else client).shutdown(socket.SHUT_WR)
                closed += 1
        return closed

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            # What came in at our own port is on its way up.
            gate = self._gates["up" if source.getsockname()[1] == self.port else "down"]
            while data := source.recv(65536):
                gate.wait()
                sink.sendall(data)
                self.passed += len(data)
            gate.wait()  # an end that is told overtakes nothing
            sink.shutdown(socket.SHUT_RDWR)
