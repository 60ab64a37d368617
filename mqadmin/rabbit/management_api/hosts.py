"""The hosts of one management API, as one."""

from __future__ import annotations

from typing import Any

import requests
from requests import exceptions as http_errors
from urllib3 import exceptions as transport_errors

from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NoResponse, RabbitError, from_tls, together
from mqadmin.rabbit.management_api.http import Answer, Http


class Hosts:
    """The hosts of one management API: the one that answered last is asked first. Any thread may call it."""

    def __init__(self, config: BrokerConfig, session: requests.Session | None) -> None:
        self._hosts = [(node.management_base, Http(node, session)) for node in config.management_nodes()]
        self._turn = 0

    def call(self, method: str, *segments: str, **options: Any) -> Any:
        """Return what `answer` found."""
        return self.answer(method, *segments, **options).found

    def answer(self, method: str, *segments: str, **options: Any) -> Answer:
        """Make the call of `Http.answer` on the first host that answers; raises what that raises.

        What may have been done already is not done again: only reading goes on after an answer that did not
        come, everything else only where no connection was made.
        """
        faults: list[RabbitError] = []
        first = self._turn
        for step in range(len(self._hosts)):
            turn = (first + step) % len(self._hosts)
            base, http = self._hosts[turn]
            try:
                found = http.answer(method, *segments, **options)
            except NoResponse as error:
                faults.append(_in_words(error, base))
                if method == "GET" or _was_not_sent(error):
                    continue
                break
            self._turn = turn
            return found
        raise together(faults)

    def close(self) -> None:
        for _, http in self._hosts:
            http.close()


def _in_words(error: NoResponse, base: str) -> NoResponse:
    """Say of a TLS handshake what AMQP's side says of it, rather than what OpenSSL does."""
    cause = error.__cause__
    return from_tls(cause, where=base) if error.code == "tls_failed" and cause else error


def _was_not_sent(error: NoResponse) -> bool:
    """Tell whether a call failed before a server could carry out anything of it."""
    cause = error.__cause__
    if isinstance(cause, http_errors.ConnectTimeout | http_errors.SSLError):
        return True
    inner = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(inner, transport_errors.NewConnectionError)
