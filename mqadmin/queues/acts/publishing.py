"""Publishing one message to a queue, from its page or the API: confirmed, mandatory, audited."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.acts import audit, typed_message
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.typed_message import wrong
from mqadmin.queues.acts import destination
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import Nacked, NoResponse, RabbitError
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt

TIMEOUT_S = 10.0
SHORT = 255  # bytes of AMQP's short strings: properties and routing keys


def publish(
    *,
    queue: Queue,
    by: Actor,
    body: str,
    encoding: str = "utf-8",
    properties: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
    routing_key: str | None = None,
    allow_loss: bool = False,
) -> bool:
    """Publish one message through the default exchange and return whether a queue received it.

    `routing_key` is the queue's name unless another is given. `encoding` is "utf-8" or "base64". A message
    id, the time and persistence are set where `properties` does not. `headers` may hold the wrappers of
    `rabbit.message`. `allow_loss`: also where the queue would drop it, or another for it. Raises Refusal (422, with
    the field to blame; 409 where something would be lost), RabbitError when the broker said no or was not reached:
    then nothing was published, or the sentence says that it is not known.
    """
    key = queue.name if routing_key is None else routing_key
    item = outgoing("", key, body=body, encoding=encoding, properties=properties, headers=headers)
    detail = {"routing_key": key, "message_id": item.properties.message_id, "size": len(item.body)}
    target = f"{queue.vhost}:{queue.name}"
    with audit.act(
        by=by, action="queue.publish", broker=queue.broker.slug, target=target, count=1, detail=detail
    ) as entry:
        broker = queue.broker.slug
        _require_theirs(queue, item)
        destination.require_room(
            broker=broker, vhost=queue.vhost, queue=key, size=len(item.body), allow_loss=allow_loss
        )
        routed = send(broker, queue.vhost, item)
        entry.detail = {**detail, "routed": routed}
        return routed


def _require_theirs(queue: Queue, item: Outgoing) -> None:
    """Raise Refusal where who asks may not send to one of the queues that a message for `queue` would reach: by
    another routing key, or by the headers with more of them (https://www.rabbitmq.com/docs/sender-selected)."""
    place = {"broker": queue.broker.slug, "vhost": queue.vhost}
    if item.routing_key != queue.name:
        destination.require_theirs(**place, queue=item.routing_key, fields=("routing_key",))
    headers = item.properties.headers or {}
    for keys in (headers.get(name) for name in ("CC", "BCC")):
        for key in keys if isinstance(keys, list) else ():
            destination.require_theirs(**place, queue=str(key), fields=("headers",))


def outgoing(
    exchange: str,
    routing_key: str,
    *,
    body: str,
    encoding: str,
    properties: Mapping[str, Any] | None,
    headers: Mapping[str, Any] | None,
) -> Outgoing:
    """Return the message that somebody wrote down. Raises Refusal (422, with the field to blame)."""
    key, content = _short("routing_key", routing_key), typed_message.body(body, encoding)
    return Outgoing(exchange, key, content, _properties(properties, headers))


def send(broker: str, vhost: str, item: Outgoing) -> bool:
    """Publish one message, mandatory and confirmed; return whether a queue got it. Raises as `publish` does."""
    return _routed(brokers.publisher(broker, vhost).publish_batch([item], timeout_s=TIMEOUT_S)[0])


def _routed(receipt: Receipt) -> bool:
    if receipt.ok:
        return True
    if receipt.reason == "unroutable":
        return False
    if receipt.reason == "invalid":
        raise wrong("headers", receipt.detail)
    classes: dict[str, type[RabbitError]] = {
        "nacked": Nacked,
        "refused": Nacked,  # the message is to blame, or a permission: the broker works
        "exchange_missing": Nacked,
    }
    raise classes.get(receipt.reason, NoResponse)(receipt.detail, code=receipt.reason)


def _properties(given: Mapping[str, Any] | None, headers: Mapping[str, Any] | None) -> Properties:
    values: dict[str, Any] = {
        "message_id": str(uuid.uuid4()),
        "timestamp": int(time.time()),
        "delivery_mode": 2,
    }
    for name, value in (given or {}).items():
        check = _CHECKS.get(name)
        if check is None:
            known = ", ".join(sorted(_CHECKS))
            raise wrong(
                "properties", _("%(name)s is no property. Known: %(known)s.") % {"name": name, "known": known}
            )
        if value is not None and value != "":
            values[name] = check(name, value)
    values["headers"] = _headers(headers)
    return Properties(**values)


def _headers(headers: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not headers:
        return None
    found = typed_message.headers(headers)
    for name in found:
        _short("headers", str(name))
    return found


def _short(name: str, value: Any) -> str:
    """Return a short string. Raises Refusal when it is no text or over 255 bytes."""
    field = name if name in ("routing_key", "headers") else "properties"
    if not isinstance(value, str):
        raise wrong(field, _("%(name)s must be text.") % {"name": name})
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise wrong(field, _("%(name)s is not valid text.") % {"name": name}) from None
    if size > SHORT:
        raise wrong(field, _("%(name)s is longer than 255 bytes.") % {"name": name})
    return value


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = low - 1
        if isinstance(value, bool | float) or not low <= number <= high:
            text = _("%(name)s is a whole number from %(low)s to %(high)s.")
            raise wrong("properties", text % {"name": name, "low": low, "high": high})
        return number

    return check


def _expiration(name: str, value: Any) -> str:
    return str(_whole(0, 2**32 - 1)(name, value))


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(
        (
            "content_type",
            "content_encoding",
            "correlation_id",
            "reply_to",
            "message_id",
            "type",
            "user_id",
            "app_id",
            "cluster_id",
        ),
        _short,
    ),
    "delivery_mode": _whole(1, 2),
    "priority": _whole(0, 255),
    "timestamp": _whole(0, 2**63 - 1),
    "expiration": _expiration,
}
