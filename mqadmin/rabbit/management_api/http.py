"""One HTTP call to the management API: always timed out, its failures told apart."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
from requests import exceptions as http_errors

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

CONNECT_TIMEOUT_S = 3.0

_BY_STATUS: dict[int, tuple[type[RabbitError], str]] = {
    400: (BadRequest, "bad_request"),
    401: (Refused, "login_refused"),
    403: (Refused, "access_refused"),
    404: (NotFound, "not_found"),
    405: (BadRequest, "not_allowed"),
    409: (BadRequest, "conflict"),
    503: (NoResponse, "unavailable"),
}


class Http:
    """A pooled session to one broker's management API. Any thread may call it, also after a fork."""

    def __init__(self, config: BrokerConfig, session: requests.Session | None = None) -> None:
        self._config = config
        self._base = f"{config.management_base}/api"
        self._lock = threading.Lock()
        self._session = session
        self._pid = os.getpid()

    def call(
        self,
        method: str,
        *segments: str,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
        expect: tuple[int, ...] = (),
    ) -> Any:
        """Return the decoded JSON of `/api/<segments>`, None for an empty answer.

        Each segment is percent-encoded as a whole. Statuses in `expect` are answers, not errors. In what GET
        returns a NUL character is shown as "␀": one queue so named must not stop a database that cannot hold
        it from keeping all others. Messages (POST) stay as they are. Raises NoResponse, Refused, NotFound,
        BadResponse or ManagementUnavailable.
        """
        url = "/".join((self._base, *(quote(segment, safe="") for segment in segments)))
        try:
            response = self._pooled().request(
                method,
                url,
                params=params,
                json=body,
                timeout=(min(CONNECT_TIMEOUT_S, self._config.timeout_s), self._config.timeout_s),
                allow_redirects=False,
            )
        except (http_errors.RequestException, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        if response.status_code in expect or response.ok:
            found = self._decoded(response)
            return _shown(found) if method == "GET" and rb"\u0000" in response.content else found
        raise self._failure(response)

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
            reason = body.get("reason") or body.get("error") if isinstance(body, dict) else None
        except ValueError:
            body, reason = None, None
        if not isinstance(body, dict) and response.status_code not in (401, 403, 503):
            return self._not_management()
        error_class, code = _BY_STATUS.get(response.status_code, (BadResponse, "bad_response"))
        if response.status_code == 401:
            text = f"The management API at {self._config.management_base} refused the login"
        elif response.status_code == 404:
            text = "The broker has no such object"
        else:
            text = f"The management API answered {response.status_code} {_phrase(response.status_code)}"
        detail = f": {str(reason)[:300]}" if reason else ""
        return error_class(sentence(f"{text}{detail}"), code=code)

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


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\u2400")
    if isinstance(value, dict):
        return {_shown(key): _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value


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
