"""One HTTP call to the management API: always timed out, its failures told apart."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
from requests import exceptions as http_errors

from mqadmin.rabbit import refusals
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import (
    BadRequest,
    BadResponse,
    ConfigurationError,
    ManagementUnavailable,
    NoResponse,
    NotFound,
    RabbitError,
    Refused,
    sentence,
)
from mqadmin.rabbit.management_api import entries

CONNECT_TIMEOUT_S = 3.0

_BY_STATUS: dict[int, tuple[type[RabbitError], str]] = {
    400: (BadRequest, "bad_request"),
    404: (NotFound, "not_found"),
    405: (BadRequest, "not_allowed"),
    409: (BadRequest, "conflict"),
}
# RabbitMQ while it starts or stops (500 without a body, tried on 4.3.6), or a proxy that does not reach it.
_NOT_READY = (500, 502, 503, 504)

# Tried on 4.0.5 and 4.3.6: it refuses to declare “é” otherwise than it is, and fails to write down why.
_UNSAID = (
    "The management API answered 500 and no word, though it is there: RabbitMQ 4 does so where the reason that it "
    "would refuse with holds letters beyond ASCII. Its log may say more."
)


@dataclass(frozen=True)
class Answer:
    """What a call returned, decoded.

    `clock_ahead`: by how many seconds the clock that dated it (the node's, or that of a proxy before it) is ahead
    of ours, to about a second; None where it has no date. `etag`: what the broker calls this state, "" for nothing.
    """

    found: Any
    clock_ahead: float | None = None
    status: int = 200
    etag: str = ""


class Http:
    """A pooled session to one broker's management API. Any thread may call it, also after a fork."""

    def __init__(self, config: BrokerConfig, session: requests.Session | None = None) -> None:
        self._config = config
        self._base = f"{config.management_base}/api"
        self._lock = threading.Lock()
        self._session = session
        self._pid = os.getpid()
        self._has_answered = False  # so that its connection may be one that was kept

    def answer(
        self,
        method: str,
        *segments: str,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        expect: tuple[int, ...] = (),
        in_entries: bool = False,
        headers: Mapping[str, str | bytes] | None = None,
    ) -> Answer:
        """Return the decoded JSON of `/api/<segments>`, None for an empty answer.

        With `in_entries` a list comes as `entries.split` makes it, where that can: a long one never stands in
        memory as a whole, decoded. Each segment is percent-encoded as a whole. Statuses in `expect` are answers,
        not errors. In what GET returns a NUL character is shown as "␀": one queue so named must not stop a
        database that cannot hold it from keeping all others. Messages (POST) stay as they are. Raises NoResponse,
        Refused, NotFound, BadResponse or ManagementUnavailable.
        """
        address = "/".join((self._base, *(quote(segment, safe="") for segment in segments)))
        response = self._answer(method, address, params, body, headers)
        if response.status_code == 500 and method == "GET" and self._has_answered:
            # RabbitMQ 3.10 does so in the moment in which a queue is declared; asked again, it lists it.
            response = self._answer(method, address, params, body, headers)
        if response.status_code == 404 and len(segments) == 1:
            # What every RabbitMQ has is not there. One that stops takes its API away first, and says so to whoever
            # kept a connection; to a new one it does not answer.
            if self._renewed(method):
                response = self._asked_anew(method, address, params, body, headers, was_there=True)
            if response.status_code == 404:
                raise self._without_api(response)
        if response.status_code in expect or response.ok:
            self._has_answered = True
            if in_entries and (parts := entries.split(response.content)) is not None:
                return Answer(parts, _ahead(response))
            found = self._decoded(response)
            if method == "GET" and rb"\u0000" in response.content:
                found = entries.shown(found)
            return Answer(found, _ahead(response), response.status_code, response.headers.get("ETag", ""))
        if response.status_code == 500 and method != "GET" and not response.content and self._is_there():
            raise BadResponse(_UNSAID, code="unsaid")
        raise self._failure(response)

    def _is_there(self) -> bool:
        """Whether it answers what every management API does."""
        try:
            return self._sent("GET", f"{self._base}/whoami", None, None).ok
        except (http_errors.RequestException, OSError, ValueError):
            return False

    def _answer(self, method: str, *request: Any) -> requests.Response:
        try:
            return self._sent(method, *request)
        except http_errors.ConnectionError as error:
            # A connection that was kept ended with the broker's process: is there a new one?
            if not isinstance(error, http_errors.ConnectTimeout) and self._renewed(method):
                return self._asked_anew(method, *request)
            raise self._unreachable(error) from error
        except (http_errors.RequestException, OSError, ValueError) as error:
            raise self._unreachable(error) from error

    def _sent(
        self,
        method: str,
        url: str,
        params: Mapping[str, str | int] | None,
        body: Any,
        headers: Mapping[str, str | bytes] | None = None,
    ) -> requests.Response:
        return self._pooled().request(
            method,
            url,
            params=params,
            json=body,
            headers=headers,
            timeout=(min(CONNECT_TIMEOUT_S, self._config.timeout_s), self._config.timeout_s),
            allow_redirects=False,
        )

    def _renewed(self, method: str) -> bool:
        """Close the connections that were kept, if any was, so that what only reads may be asked once more."""
        if method != "GET" or not self._has_answered:
            return False
        self._has_answered = False
        self._pooled().close()  # it goes on with new ones
        return True

    def _asked_anew(self, *request: Any, was_there: bool = False) -> requests.Response:
        try:
            return self._sent(*request)
        except (http_errors.RequestException, OSError, ValueError) as error:
            if was_there and isinstance(error, http_errors.ConnectionError):
                where = self._config.management_base
                raise NoResponse(
                    f"RabbitMQ at {where} is stopping: it takes no new connections.", code="stopping"
                ) from error
            raise self._unreachable(error) from error

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
            self._session = None

    def _pooled(self) -> requests.Session:
        with self._lock:
            if self._pid != os.getpid():
                # A forked child must not write into its parent's sockets.
                self._session, self._pid = None, os.getpid()
            if self._session is None:
                self._session = self._new_session()
            return self._session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # Neither ~/.netrc nor a proxy of the environment may decide whom the password is sent to.
        session.trust_env = False
        session.auth = tuple(part.encode() for part in self._config.auth())  # type: ignore[assignment]
        session.verify = (self._config.ca_file or True) if self._config.verify else False
        if self._config.cert_file:
            key = self._config.key_file
            session.cert = (self._config.cert_file, key) if key else self._config.cert_file
        adapter = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=16)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def _decoded(self, response: requests.Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise self._not_management() from error

    def _failure(self, response: requests.Response) -> RabbitError:
        try:
            body = response.json()
        except ValueError:
            body = None
        told = body if isinstance(body, dict) else {}
        reason = refusals.words(told.get("reason") or told.get("error"))
        status = response.status_code
        if status in (401, 403):
            refusal = refusals.of_management(
                reason[:300], self._config.auth()[0], self._config.management_base
            )
            return Refused(refusal.text, code=refusal.code)
        if status in _NOT_READY and (status == 503 or not isinstance(body, dict)):
            return self._not_ready(status, reason)
        if not isinstance(body, dict):
            return self._not_management()
        error_class, code = _BY_STATUS.get(status, (BadResponse, "bad_response"))
        if status == 404:
            text = "The broker has no such object"
        else:
            text = f"The management API answered {status} {_phrase(status)}"
        detail = f": {reason[:300]}" if reason else ""
        return error_class(sentence(f"{text}{detail}"), code=code)

    def _not_ready(self, status: int, reason: str) -> NoResponse:
        detail = f": {reason[:300]}" if reason else ""
        said = sentence(
            f"The management API at {self._config.management_base} answered {status} {_phrase(status)}{detail}"
        )
        return NoResponse(
            f"{said} RabbitMQ is starting or stopping there, or a proxy before it does not reach it.",
            code="unavailable",
        )

    def _without_api(self, response: requests.Response) -> ManagementUnavailable:
        """Return the error for a 404 where every management API has something; RabbitMQ's own 404 is in JSON."""
        if not response.headers.get("Content-Type", "").startswith("application/json"):
            return self._not_management()
        return ManagementUnavailable(
            f"{self._config.management_base} answers, but its management API is not there. RabbitMQ is starting or "
            "stopping; if it stays so, the address has a path that is wrong.",
            code="api_absent",
        )

    def _unreachable(self, error: Exception) -> RabbitError:
        where = self._config.management_base
        if isinstance(error, http_errors.SSLError):
            return NoResponse(
                sentence(f"The TLS handshake with {where} failed: {_root(error)}"), code="tls_failed"
            )
        if isinstance(error, http_errors.ConnectTimeout):
            return NoResponse(f"{where} did not accept a connection in time.", code="connect_timeout")
        if isinstance(error, http_errors.Timeout):
            seconds = self._config.timeout_s
            return NoResponse(f"{where} did not answer within {seconds:g} s.", code="timeout")
        if isinstance(error, http_errors.InvalidURL | http_errors.InvalidSchema):
            return ConfigurationError(f"{where} is not an address that can be called.")
        if isinstance(error, http_errors.ConnectionError) and "BadStatusLine" in repr(error):
            return self._not_management()
        return NoResponse(sentence(f"Nothing answers at {where}: {_root(error)}"))

    def _not_management(self) -> ManagementUnavailable:
        return ManagementUnavailable(
            f"{self._config.management_base} answers, but not as RabbitMQ's management API. "
            "Is the rabbitmq_management plugin enabled, and the port right?"
        )


def _ahead(response: requests.Response) -> float | None:
    """Compare the date of an answer, in whole seconds, with the middle of the time in which it was made."""
    try:
        dated = parsedate_to_datetime(response.headers["Date"]).timestamp() + 0.5
    except (KeyError, ValueError, TypeError):
        return None
    return dated - (time.time() - response.elapsed.total_seconds() / 2)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _root(error: BaseException) -> str:
    """Return the words of the operating system rather than those of three libraries around it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(getattr(error, "strerror", None) or getattr(error, "reason", None) or error)
