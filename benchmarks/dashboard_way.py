"""The way from the monitor to the management API, which counts the calls on it.

In a process of its own: where pages are timed in this one, millions of bytes a sample would take turns with them.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.rabbit.proxy import Proxy


class _Counted(Proxy):
    def __init__(self, host: str, port: int, asked: Any) -> None:
        super().__init__(host, port)
        self._asked = asked

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 18):
                with self._asked.get_lock():
                    self._asked.value += data.count(b" HTTP/1.1\r\n")  # the end of a request's first line
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Way:
    """`url`: where the management API is asked."""

    def __init__(self, url: str, asked: Any) -> None:
        self.url, self._asked = url, asked

    def a_minute(self, function: Callable[[], Any]) -> tuple[float, Any]:
        """Return how many calls a minute there are while `function` runs, and its result."""
        began, asked = time.monotonic(), self._asked.value
        result = function()
        return (self._asked.value - asked) / (time.monotonic() - began) * 60, result


def _serve(host: str, port: int, asked: Any, ports: Any) -> None:
    with _Counted(host, port, asked) as proxy:
        ports.put(proxy.port)
        signal.pause()


@contextlib.contextmanager
def way(management_url: str) -> Iterator[Way]:
    """Open such a way to a management API; it is closed at the end."""
    parts = urlsplit(management_url)
    fresh = multiprocessing.get_context("spawn")
    asked, ports = fresh.Value("q", 0), fresh.Queue()
    given = (str(parts.hostname), parts.port or 15672, asked, ports)
    process = fresh.Process(target=_serve, args=given, daemon=True)
    process.start()
    try:
        user = parts.netloc.rpartition("@")[0]
        yield Way(f"http://{user}@127.0.0.1:{ports.get(timeout=30)}/", asked)
    finally:
        process.terminate()
        process.join()
