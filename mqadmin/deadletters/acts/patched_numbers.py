"""Numbers as a JSON Patch sees them: plain ones, which keep their AMQP types and give them to their successors."""

from __future__ import annotations

from typing import Any

from mqadmin.rabbit.message import TYPED_NUMBERS, from_json, to_json
from mqadmin.rabbit.reading.jsontext import same
from mqadmin.rabbit.wire_numbers import Float32, WireInt, integer, single


def opened(stored: Any) -> Any:
    """Return stored JSON in which {"$int64": 5} is a 5 that knows its type. The rest is the same."""
    if isinstance(stored, list):
        return [opened(item) for item in stored]
    if not isinstance(stored, dict):
        return stored
    if len(stored) == 1 and next(iter(stored)) in TYPED_NUMBERS:
        try:
            found = from_json(stored)
        except ValueError:  # a name that somebody chose
            return stored
        return found if same(to_json(found), stored) else stored
    return {name: opened(item) for name, item in stored.items()}


def closed(value: Any, before: Any = None) -> Any:
    """Return what `opened` opened as JSON again. `before`: what stood in its place, whose type a plain number gets
    where that holds it."""
    if isinstance(value, dict):
        names = before if isinstance(before, dict) else {}
        return {name: closed(item, names.get(name)) for name, item in value.items()}
    if isinstance(value, list):
        items = before if isinstance(before, list) and len(before) == len(value) else [None] * len(value)
        return [closed(item, old) for item, old in zip(value, items, strict=True)]
    if type(value) is int or type(value) is float:
        value = _like(before, value)
    return to_json(value) if isinstance(value, WireInt | Float32) else value


def _like(before: Any, value: int | float) -> Any:
    try:
        if isinstance(before, WireInt):
            return integer(type(before), value)
        if isinstance(before, Float32):
            return single(value)
        is_float = type(before) is float or (isinstance(before, dict) and [*before] == ["$float"])
        if is_float and type(value) is int:
            return to_json(float(value))
    except (TypeError, ValueError, OverflowError):
        return value
    return value
