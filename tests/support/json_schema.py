"""Whether a value is what a schema of the API's description says: as much of JSON Schema as stands there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

Schema = Mapping[str, Any]


def fits(schema: Schema, value: Any, known: Mapping[str, Schema]) -> bool:
    """Whether `value`, as JSON has it, is valid. `known`: the schemas that a `$ref` may name."""
    if "$ref" in schema:
        return fits(known[schema["$ref"].rpartition("/")[2]], value, known)
    if "allOf" in schema:
        return all(fits(part, value, known) for part in schema["allOf"])
    if "anyOf" in schema:
        return any(fits(part, value, known) for part in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return isinstance(value, str) and value in schema.get("enum", [schema.get("const")])
    return "type" not in schema or _FITS[schema["type"]](schema, value, known)


def _number(schema: Schema, value: Any, _known: Mapping[str, Schema]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return low <= value <= high and value > schema.get("exclusiveMinimum", value - 1)


def _integer(schema: Schema, value: Any, known: Mapping[str, Schema]) -> bool:
    return _number(schema, value, known) and float(value).is_integer()


def _string(schema: Schema, value: Any, _known: Mapping[str, Schema]) -> bool:
    if not isinstance(value, str) or len(value) > schema.get("maxLength", len(value)):
        return False
    if len(value) < schema.get("minLength", 0) or not re.search(schema.get("pattern", ""), value):
        return False
    return schema.get("format") != "date-time" or _is_time(value)


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return bool(re.match(r"\d{4}-\d\d-\d\d", value))


def _array(schema: Schema, value: Any, known: Mapping[str, Schema]) -> bool:
    if not isinstance(value, list) or not len(value) >= schema.get("minItems", 0):
        return False
    return all(fits(schema.get("items", {}), item, known) for item in value)


def _object(schema: Schema, value: Any, known: Mapping[str, Schema]) -> bool:
    if not isinstance(value, dict) or not set(schema.get("required", ())) <= set(value):
        return False
    parts = schema.get("properties", {})
    if schema.get("additionalProperties") is False and not set(value) <= set(parts):
        return False
    return all(fits(parts.get(name, {}), item, known) for name, item in value.items())


_FITS = {
    "null": lambda _schema, value, _known: value is None,
    "boolean": lambda _schema, value, _known: isinstance(value, bool),
    "integer": _integer,
    "number": _number,
    "string": _string,
    "array": _array,
    "object": _object,
}
