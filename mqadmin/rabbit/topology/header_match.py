"""Whether the headers of a message match a binding of a headers exchange. Pure.

Follows rabbit_exchange_type_headers.erl: a binding's arguments but `x-match` are looked for in the headers of a
message. One without a value is found if the header is there. Types are compared too, on some versions the widths of
numbers, which the management API does not tell. So of numbers the answer may be that it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mqadmin.rabbit.types import NO_VALUE

ALL, ANY = ("all", "all-with-x"), ("any", "any-with-x")


def way(arguments: Mapping[str, Any]) -> str:
    """Return how a binding looks for its headers: "all" unless it says otherwise."""
    return str(arguments.get("x-match", "all"))


def wanted(arguments: Mapping[str, Any]) -> set[str]:
    """Return the headers that a binding asks for: without -with-x those that begin with x- do not count."""
    with_x = way(arguments).endswith("-with-x")
    return {name for name in arguments if name != "x-match" and (with_x or not name.startswith("x-"))}


def matches(arguments: Mapping[str, Any], headers: Mapping[str, Any]) -> bool | None:
    """Return whether a binding with `arguments` takes a message with `headers`; None where that is not known."""
    found = [
        _same(arguments[name], headers[name]) if name in headers else False for name in wanted(arguments)
    ]
    if way(arguments) in ANY:
        return True if True in found else None if None in found else False
    return False if False in found else None if None in found else True


def _same(asked: Any, given: Any) -> bool | None:
    """Compare what a binding asks for, as JSON tells of it, with a header's value."""
    if asked == NO_VALUE:
        return True if given == NO_VALUE else None
    if isinstance(asked, bool) or isinstance(given, bool):
        return asked is given
    if isinstance(asked, int | float) and isinstance(given, int | float):
        return None if asked == given else False
    if isinstance(asked, str) and isinstance(given, str | bytes):
        return asked == (given.decode("utf-8", "replace") if isinstance(given, bytes) else given)
    if isinstance(asked, str) or isinstance(given, str | int | float):
        return None if _is_odd(given) else False
    return None


def _is_odd(value: Any) -> bool:
    """Whether JSON may tell of a value otherwise than it is: times, decimals, bytes that are no text."""
    return not isinstance(value, str | int | float | list | dict)
