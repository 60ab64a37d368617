"""Dedupe: by what two messages are the same one, and who may handle it. Pure, but for the protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from consumers.runtime.api import Delivery
from consumers.runtime.spec import Dedupe
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.numbers import whole
from mqadmin.rabbit.reading.jsontext import double
from mqadmin.rabbit.wire_numbers import Float32, WireInt

Claim = Literal["mine", "done", "busy"]


class Claims(Protocol):
    """Who handles what. A claim ends with the commit of its message's record: `done` when it was acked."""

    def claim(self, keys: Sequence[str]) -> list[Claim]:
        """Claim `keys` (distinct) in one transaction and say of each what came of it, in their order.

        "mine": this process handles it now. "done": it was handled within the window. "busy": somebody alive,
        perhaps this very process, handles it at this moment. Handler threads. Raises SinkUnavailable.
        """


def key_of(delivery: Delivery, dedupe: Dedupe | None) -> str:
    """Return what identifies the message, 64 hex digits; "" when nothing does: it is handled unchecked.

    A message that was published again on purpose carries a requeue id, which then is its only key: a person
    who replays a message wants it handled, and only the second copy of one and the same replay dropped.
    """
    requeue_id = delivery.received_headers.get(REQUEUE_ID)
    if requeue_id:
        return _hash("requeue", requeue_id)
    if dedupe is None:
        return ""
    try:
        value = _value(delivery, dedupe)
        return "" if value is None or value == "" else _hash(dedupe.key, value)
    except RecursionError:  # nested more deeply than it can be read or written
        return ""


def _value(delivery: Delivery, dedupe: Dedupe) -> Any:
    if dedupe.key == "message_id":
        return delivery.message_id
    if dedupe.key == "header":
        return delivery.received_headers.get(dedupe.path)
    if dedupe.key == "body":
        return delivery.body
    try:
        return _at(json.loads(delivery.body, parse_float=double), dedupe.path)
    except ValueError:
        return None


def _at(value: Any, path: str) -> Any:
    """Return what stands at a path like `order.id` or `items.0.sku`, None where there is nothing."""
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and (place := whole(part)) is not None and place < len(value):
            value = value[place]
        else:
            return None
    return value


def _hash(kind: str, value: Any) -> str:
    """Tell 1 from "1" and from True, which are equal or print alike; but not by how wide a publisher made it."""
    if isinstance(value, bytes):
        data = value
    elif isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
    else:
        of = int if isinstance(value, WireInt) else float if isinstance(value, Float32) else type(value)
        data = f"{of.__name__}:{_written(value)}".encode("utf-8", "backslashreplace")
        kind = f"{kind}:typed"
    return hashlib.sha256(kind.encode() + b"\0" + data).hexdigest()


def _written(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except TypeError:  # a table of headers whose names are not all texts
        return repr(value)
