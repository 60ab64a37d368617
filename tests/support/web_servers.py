"""HTTP servers on loopback for what calls others: one that keeps what it was sent, one that speaks as it likes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What a server was sent; `peer` is the client's port, which tells connections apart."""

    method: str
    path: str
    headers: Message
    body: bytes
    peer: int


@dataclass
class Server:
    """A running server. Each request gets the answer that stands here then, or what `told` says: status, body."""

    port: int
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    chunked: bool = False
    told: Callable[[Request], tuple[int, bytes]] | None = None
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def http_server(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve on a free port of 127.0.0.1, over TLS with a context."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: server))
    server = Server(httpd.server_port)
    if context is not None:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join(5)


def _handler(current: Callable[[], Server]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def answer(self) -> None:
            server = current()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, self.headers, body, self.client_address[1])
            server.requests.append(request)
            if server.told is not None:
                server.status, server.body = server.told(request)
            self.send_response(server.status)
            for name, value in server.headers.items():
                self.send_header(name, value)
            if server.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(server.body), server.body))
            else:
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET = answer

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def raw_server(
    speak: Callable[[socket.socket, threading.Event], None],
) -> Iterator[int]:
    """Have `speak(connection, over)` answer each connection on a free port, which is yielded.

    `over` is set at the end: a speaker that dawdles waits on it.
    """
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            speak(connection, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = listener.accept()
                threading.Thread(target=one, args=[connection], daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
