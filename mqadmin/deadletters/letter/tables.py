"""A message's properties as JSON, and its fingerprint, fast: letters that died together have headers in common.

The same as `Properties.to_json` and `message.fingerprint` say, put together from parts that are written once.
Pure, but for a memory of headers that were seen; for one thread at a time.
"""

from __future__ import annotations

import hashlib
import json
import pickle  # only written: it tells values and all their types apart, at the speed of C
from dataclasses import fields
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from typing import Any, NamedTuple

from mqadmin.rabbit.headers import COUNTS
from mqadmin.rabbit.message import Message, Properties, to_json

_MOST = 512
_LARGEST_KEY = 4_096


class Table(NamedTuple):
    """Headers as JSON: `stored`, and with sorted names and without the count of a quorum queue for the
    fingerprint. `key` is the same for equal headers, and for no others; empty for headers that are not kept."""

    stored: str
    compared: str
    key: bytes


_tables: dict[bytes, Table] = {}
_same: dict[
    int, tuple[dict[str, Any], Table]
] = {}  # by the id of headers that are kept here, so it stays theirs
_NONE = Table("{}", "{}", b"none")


def table(headers: dict[str, Any] | None) -> Table:
    """Return the headers as JSON. Raises ValueError for a type that AMQP does not have.

    `headers` are not changed any more: a collector's connection gives the same object for many letters.
    """
    if not headers:
        return _NONE
    seen = _same.get(id(headers))
    if seen is not None:
        return seen[1]
    found = _table(headers)
    if len(_same) >= _MOST:
        _same.clear()
    if found.key:
        _same[id(headers)] = (headers, found)
    return found


def _table(headers: dict[str, Any]) -> Table:
    try:
        key = pickle.dumps(headers, 5)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
        return _made(headers, b"")
    if len(key) > _LARGEST_KEY:
        return _made(headers, b"")
    found = _tables.get(key)
    if found is None:
        if len(_tables) >= _MOST:
            _tables.clear()
        found = _tables[key] = _made(headers, key)
    return found


def _made(headers: dict[str, Any], key: bytes) -> Table:
    value = to_json(headers)
    compared = value
    if not COUNTS.isdisjoint(headers):
        compared = to_json({name: item for name, item in headers.items() if name not in COUNTS})
    return Table(json.dumps(value), json.dumps(compared, sort_keys=True), key)


# In the order of the alphabet, as the fingerprint has them; the headers have their place among them.
_BEFORE = sorted(item.name for item in fields(Properties) if item.name < "headers")
_AFTER = sorted(item.name for item in fields(Properties) if item.name > "headers")
_before = attrgetter(*_BEFORE)
_after = attrgetter(*_AFTER)
_NAMED_BEFORE = [f'"{name}": ' for name in _BEFORE]
_NAMED_AFTER = [f'"{name}": ' for name in _AFTER]


def describe(message: Message, queue: str, table: Table) -> tuple[str, str]:
    """Return (the properties but for the headers as JSON, the fingerprint of the message)."""
    properties = message.properties
    before = _parts(_NAMED_BEFORE, _before(properties))
    after = _parts(_NAMED_AFTER, _after(properties))
    described = ", ".join((*before, f'"headers": {table.compared}', *after))
    address = f"{_value(queue)}, {_value(message.exchange)}, {_value(message.routing_key)}"
    frame = f"[{address}, {{{described}}}]".encode()
    digest = hashlib.blake2b(digest_size=16)
    digest.update(len(frame).to_bytes(8, "big"))
    digest.update(frame)
    digest.update(message.body)
    return f"{{{', '.join((*before, *after))}}}", digest.hexdigest()


def _parts(names: list[str], values: tuple[Any, ...]) -> list[str]:
    return [name + _value(value) for name, value in zip(names, values, strict=True) if value is not None]


def _value(value: Any) -> str:
    if type(value) is str:
        return encode_basestring_ascii(value)
    if type(value) is int:
        return int.__repr__(value)
    return json.dumps(to_json(value), sort_keys=True)
