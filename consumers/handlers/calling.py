"""HTTP calls that end in time and go only where they may: what the webhook handler is made of.

A name is resolved once, every address it has is checked, and the connection goes to a checked address: a name
that changes its mind between check and connect gains nothing. Host header, SNI and certificate check keep
the name. Proxies and .netrc of the environment are not used; redirects are not followed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.response import HTTPResponse
from urllib3.util import Timeout
from urllib3.util.connection import create_connection

from consumers.handlers import addresses

MOST_READ = 16 * 1024  # bytes of an answer: enough to say what went wrong


class AddressRefused(Exception):
    """The name leads to an address that may not be called."""


class NoAnswer(Exception):
    """No status line came: not resolved, not connected, cut off or too late. The text says which."""


@dataclass(frozen=True)
class Answer:
    """What came back. `body` holds its first MOST_READ bytes, perhaps fewer; `seconds` is the whole call."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Caller:
    """Calls one URL with one method. Any thread may call it; each has a session with one pooled connection.

    `timeout_s` bounds connecting plus waiting for the status line and headers; reading the rest of the answer
    takes as long again at most, and what is missing by then is left out.
    """

    def __init__(self, method: str, url: str, *, timeout_s: float, allow_private: bool) -> None:
        self._method = method
        self._url = url
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._own = threading.local()

    def send(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send `body` and return the answer, whatever its status. Raises NoAnswer, AddressRefused.

        Neither error names the URL, which may hold a secret.
        """
        began = time.monotonic()
        timeout: Any = Timeout(total=self._timeout_s)  # requests takes it; its stubs do not know
        try:
            response = self._session().request(
                self._method,
                self._url,
                data=body,
                headers=dict(headers),
                timeout=timeout,
                allow_redirects=False,
                stream=True,  # so that no more is read than wanted
            )
        except requests.RequestException as error:
            raise NoAnswer(_words(error, self._timeout_s)) from None
        text = _read(response, began + 2 * self._timeout_s)
        return Answer(response.status_code, response.headers, text, time.monotonic() - began)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            session.trust_env = False  # no proxy, which would connect unchecked; no credentials of .netrc
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.headers.clear()
            session.headers.update({"User-Agent": "mqadmin", "Accept": "*/*", "Accept-Encoding": "identity"})
            adapter = _Adapter(private_too=self._allow_private)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
        return session


def _read(response: requests.Response, deadline: float) -> bytes:
    """Return the first bytes of the body. A whole short body frees the connection for the next call."""
    found = b""
    try:
        while len(found) < MOST_READ and time.monotonic() < deadline:
            piece = response.raw.read1(MOST_READ - len(found), decode_content=False)
            if not piece:
                response.raw.release_conn()
                return found
            found += piece
    except (HTTPError, OSError):
        pass  # the status is known, which is what counts
    response.close()
    return found


# --- where a call may go ----------------------------------------------------------------------------------


def checked_addresses(host: str, port: int, *, private_too: bool) -> list[str]:
    """Resolve `host`, return its addresses. Raises AddressRefused when one may not be called, socket.gaierror."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    checked = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in checked:
        kind = addresses.why_refused(address, private_too=private_too)
        if kind:
            where = host if host == address else f"{host} ({address})"
            raise AddressRefused(f"{where} is {kind} address")
    return checked


class _Connection(HTTPConnection):
    """A connection whose wait for an answer has an end, however slowly the answer trickles in."""

    private_too = True

    def _new_conn(self) -> socket.socket:
        wait = self.timeout if isinstance(self.timeout, int | float) else 60.0
        deadline = time.monotonic() + wait
        try:
            found = checked_addresses(self._dns_host, self.port, private_too=self.private_too)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        failure: OSError = TimeoutError("timed out")
        for address in found:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                return create_connection((address, self.port), left, self.source_address, self.socket_options)
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "timed out") from failure
        raise NewConnectionError(self, str(failure)) from failure

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        wait, sock = self.timeout, self.sock
        if not isinstance(wait, int | float) or sock is None:
            return super().getresponse()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # under TLS too: it wakes the reader

        timer = threading.Timer(wait, expire)
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse()
        except (OSError, HTTPException):
            if not expired.is_set():
                raise
        finally:
            timer.cancel()
        if expired.is_set():  # also where http.client took the end we made for the end of the headers
            raise TimeoutError("timed out")
        return response


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _PublicConnection(_Connection):
    private_too = False


class _PublicTlsConnection(_TlsConnection):
    private_too = False


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _PublicPool(HTTPConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTlsConnection


class _Adapter(HTTPAdapter):
    """One pooled connection of the kinds above; no retries, which are the consumer's business."""

    def __init__(self, *, private_too: bool) -> None:
        self._private_too = private_too
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = (
            {"http": _Pool, "https": _TlsPool}
            if self._private_too
            else {"http": _PublicPool, "https": _PublicTlsPool}
        )


# --- words ------------------------------------------------------------------------------------------------


def _words(error: requests.RequestException, timeout_s: float) -> str:
    """Say what happened without the URL."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"no connection within {timeout_s:g} s"
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {timeout_s:g} s"
    cause = _innermost(error)
    if isinstance(cause, socket.gaierror):
        return f"the name cannot be resolved ({cause.strerror})"
    if isinstance(error, requests.exceptions.SSLError):
        reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or type(cause).__name__
        return f"TLS failed ({reason})"
    if isinstance(cause, OSError) and cause.strerror:
        return f"the connection failed ({cause.strerror})"
    return f"the connection failed ({type(cause).__name__})"


def _innermost(error: BaseException) -> BaseException:
    """Follow causes, contexts and wrapped arguments to what happened first."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        wrapped = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((item for item in wrapped if isinstance(item, BaseException)), error)
    return error
