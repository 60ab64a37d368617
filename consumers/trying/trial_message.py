"""A message to try a handler on: as a person typed it, or as a record stored it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from consumers.models import Record
from consumers.records import replaying
from mqadmin.core.acts.typed_message import body as read_body
from mqadmin.core.acts.typed_message import headers as read_headers
from mqadmin.core.acts.typed_message import wrong
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.message import Message, Properties

SHORT = 255  # bytes of AMQP's short strings: names, properties, the names of headers
# Inclusive limits of the properties that are numbers; every other one is a short string.
_NUMBERS = {"delivery_mode": (1, 2), "priority": (0, 255), "timestamp": (0, 2**63 - 1)}


def typed(
    *,
    body: str,
    encoding: str = "utf-8",
    exchange: str = "",
    routing_key: str = "",
    redelivered: bool = False,
    properties: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> Message:
    """Return the message that was written down. `encoding`: "utf-8" or "base64".

    `properties` and `headers` may hold the wrappers of `rabbit.message`. Raises Refusal (422) with the field
    to blame.
    """
    return Message(
        body=read_body(body, encoding),
        properties=_properties(properties or {}, headers or {}),
        exchange=_short("exchange", "exchange", exchange),
        routing_key=_short("routing_key", "routing_key", routing_key),
        redelivered=redelivered,
    )


def recorded(record: Record) -> Message:
    """Return the message of a record. Raises Refusal when it was not stored whole, or cannot be read."""
    reason = replaying.why_not(record)
    if reason:
        raise Refusal(_("It cannot be tried: %(reason)s") % {"reason": reason}, "not_stored")
    try:
        stored = Properties.from_json({**(record.properties or {}), "headers": record.headers or {}})
    except ValueError as error:
        text = _("The stored message cannot be read: %(error)s") % {"error": error}
        raise Refusal(text, "unreadable") from error
    return Message(
        body=bytes(record.body or b""),
        properties=stored,
        exchange=record.exchange,
        routing_key=record.routing_key,
        redelivered=record.redelivered,
    )


def written(body: bytes) -> tuple[str, str]:
    """Return a body as a form can hold it, and in which encoding.

    Bytes that are no text, or text that a browser's text field would change, are written as base64.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or "\r" in text:
        return base64.b64encode(body).decode(), "base64"
    return text, "utf-8"


def _properties(properties: Mapping[str, Any], headers: Mapping[str, Any]) -> Properties:
    if "headers" in properties:
        raise wrong("properties", _("Headers have a field of their own."))
    try:
        found = Properties.from_json(dict(properties))
    except ValueError as error:
        raise wrong("properties", str(error)) from error
    for name in properties:
        _check(name, getattr(found, name))
    table = read_headers(headers)
    for name in table:
        _short("headers", str(name), name)
    return Properties(**{name: getattr(found, name) for name in properties}, headers=table or None)


def _check(name: str, value: Any) -> None:
    """Raise Refusal for a value that RabbitMQ would never deliver."""
    if value is None:
        return
    if name not in _NUMBERS:
        _short("properties", name, value)
        return
    low, high = _NUMBERS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        text = _("%(name)s is a whole number from %(low)s to %(high)s.")
        raise wrong("properties", text % {"name": name, "low": low, "high": high})


def _short(field: str, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(field, _("%(name)s must be text.") % {"name": name})
    if len(value.encode(errors="surrogatepass")) > SHORT:
        raise wrong(field, _("%(name)s is longer than 255 bytes.") % {"name": name})
    return value
