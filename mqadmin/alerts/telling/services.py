"""One message to one service, now: through apprise, or to a webhook that is signed. Any thread.

A call ends soon: each wait for the other side has a limit. Nothing here raises for what a service does.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import requests
from django.utils.translation import gettext as _

from mqadmin.alerts.models import Channel
from mqadmin.alerts.rules import variables
from mqadmin.alerts.telling.answers import Answer, clean
from mqadmin.core.pages import prose

CONNECT_S, READ_S = 5.0, 10.0
MAX_ANSWER = 4096
SIGNATURE, TIMESTAMP, DELIVERY = "X-Mqadmin-Signature", "X-Mqadmin-Timestamp", "X-Mqadmin-Delivery"
_TYPES = {1: "info", 2: "warning", 3: "failure"}  # of `apprise.NotifyType`

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """What is said: a subject, plain text, and the same as a table for programs. `number`: of the delivery."""

    title: str
    text: str
    severity: int
    number: int
    is_good: bool = False  # it is resolved
    payload: Mapping[str, Any] = field(default_factory=dict)


def send(channel: Channel, message: Message) -> Answer:
    """Send, and return what the service said."""
    try:
        address = variables.value(channel.variable)
        secret = variables.value(channel.secret_variable) if channel.kind == Channel.Kind.WEBHOOK else ""
    except variables.Missing as error:
        return Answer(False, str(error))
    try:
        if channel.kind == Channel.Kind.WEBHOOK:
            return post(address, secret, message.payload, message.number)
        return _apprise(channel.variable, address, message)
    except Exception as error:  # a plugin's bug, an address that it cannot digest
        return Answer(False, clean(f"{type(error).__name__}: {error}", (address, secret)))


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return "sha256=" and the HMAC-SHA256, in hex, of the timestamp, a full stop and the body."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def post(address: str, secret: str, payload: Mapping[str, Any], number: int) -> Answer:
    """Send a table as JSON, signed with `secret`, and return what was answered; `number` tells deliveries apart."""
    if not address.startswith(("https://", "http://")):
        return Answer(False, _("The address of a webhook begins with https:// or http://."))
    body = json.dumps(payload, ensure_ascii=False).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "mqadmin",
        TIMESTAMP: timestamp,
        SIGNATURE: signature(secret, timestamp, body),
        DELIVERY: str(number),
    }
    try:
        with requests.post(
            address,
            data=body,
            headers=headers,
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
            stream=True,
        ) as response:
            said = response.raw.read(MAX_ANSWER, decode_content=False).decode(errors="replace")
    except requests.RequestException as error:
        return Answer(False, clean(str(error), (address, secret)))
    words = clean(f"HTTP {response.status_code} {response.reason} {said}", (address, secret))
    return Answer(200 <= response.status_code < 300, words)


def _apprise(variable: str, address: str, message: Message) -> Answer:
    import apprise  # 20 MB, which a process that sends nothing does without

    with _listening() as said:
        asset = apprise.AppriseAsset(async_mode=False)
        service = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if service is None:
            words = _("apprise cannot read the address in %(name)s.") % {"name": variable}
            if address.startswith(("http://", "https://")):
                hint = _(
                    "An address of http or https is for a signed webhook: choose that instead of apprise."
                )
                words = prose.paragraph((words, hint))
            return Answer(False, clean(" ".join([words, *said]), (address,)))
        service.socket_connect_timeout = min(service.socket_connect_timeout, CONNECT_S)
        service.socket_read_timeout = min(service.socket_read_timeout, READ_S)
        kind = apprise.NotifyType("success" if message.is_good else _TYPES[message.severity])
        sender = apprise.Apprise(asset=asset)
        sender.add(service)
        taken = bool(
            sender.notify(
                body=message.text,
                title=message.title,
                notify_type=kind,
                body_format=apprise.NotifyFormat.TEXT,
            )
        )
    words = clean(" ".join(said), (address,))
    if taken:
        return Answer(True, words or _("%(service)s took it.") % {"service": service.service_name})
    return Answer(
        False,
        words or _("%(service)s did not take it and did not say why.") % {"service": service.service_name},
    )


_REASONS = re.compile(r"(Socket|SMTP|Connection) Exception|Response Details", re.IGNORECASE)


# What apprise said to this call: it works in threads of its own, and hands the context on to them.
_heard: ContextVar[list[str] | None] = ContextVar("mqadmin_apprise_heard", default=None)


class _Listener(logging.Handler):
    """Keeps what apprise says to a call. Its log goes nowhere else: it may hold addresses."""

    def emit(self, record: logging.LogRecord) -> None:
        lines = _heard.get()
        if lines is None or len(lines) >= 20:
            return
        text = record.getMessage()
        # Why a connection failed, and what the other side said, it says for debugging only; beside whole messages.
        if record.levelno >= logging.WARNING or _REASONS.match(text):
            lines.append(text)


_log = logging.getLogger("apprise")
_log.handlers, _log.propagate = [_Listener()], False
_log.setLevel(logging.DEBUG)


@contextmanager
def _listening() -> Iterator[list[str]]:
    lines: list[str] = []
    token = _heard.set(lines)
    try:
        yield lines
    finally:
        _heard.reset(token)
