"""A reverse proxy that has mqadmin below a path of its own host, as nginx would, and notes what went beside it."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class ReverseProxy:
    """`address`: of the host. `strays`: what was asked for outside the path."""

    address: str
    strays: list[str] = field(default_factory=list)


@contextlib.contextmanager
def below(path: str, target: str, *, strips: bool) -> Iterator[ReverseProxy]:
    """Pass what is asked below `path` on to `target` (http://host:port), without the path if it `strips` it."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(path, target, strips, lambda: proxy))
    proxy = ReverseProxy(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join(5)


def _handler(path: str, target: str, strips: bool, current: object) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def pass_on(self) -> None:
            asked = self.path
            if not f"{urlsplit(asked).path}/".startswith(f"{path}/"):
                current().strays.append(asked)  # type: ignore[operator]
                self.send_error(404)
                return
            if strips:
                asked = asked.removeprefix(path)
                asked = asked if asked.startswith("/") else f"/{asked}"
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(urlsplit(target).netloc, timeout=30)
            with contextlib.closing(connection):
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                headers["X-Forwarded-For"] = self.client_address[0]
                connection.request(self.command, asked, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            if answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            with contextlib.suppress(ConnectionError):  # a browser that has gone on to another page
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_HEAD = pass_on

        def log_message(self, *_args: object) -> None:
            pass

    return Handler
