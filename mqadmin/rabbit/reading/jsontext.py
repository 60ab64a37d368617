"""JSON whose letters count: numbers keep their digits, a doubled key is told, and how a document is spaced is seen.

`json` makes 1.2345678901234568e+16 of 12345678901234567.89, 1.1 of 1.10, and one of two keys of the same name. What
is only looked at may bear that; what is written again, or shown as what a message says, goes through here. Pure.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NoReturn

_INTEGER = re.compile(r"-?\d+")
_INDENT = re.compile(r"\n([ \t]+)")
_HALF = re.compile("[\ud800-\udfff]")
_DOUBLE_DIGITS = 17  # that tell every double apart


class Inexact(ValueError):
    """The text is JSON, but what would be read from it is not what it says."""


class Infinite(Inexact):
    """NaN, Infinity, or a number beyond what a double holds."""


@dataclass(frozen=True, eq=False)
class Number:
    """A number as it is written. Equal to what is mathematically the same; to a float that reads the same."""

    text: str

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bool):
            return False
        if isinstance(other, float):
            return float(self.text) == other
        if isinstance(other, int):
            return _decimal(self.text) == other
        if isinstance(other, Number):
            mine = _decimal(self.text)
            return self.text == other.text or (mine is not None and mine == _decimal(other.text))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(float(self.text))

    def __repr__(self) -> str:
        return self.text

    def __deepcopy__(self, _memo: Any) -> Number:
        return self

    def plain(self) -> int | float:
        """Return it as Python has it. Raises Inexact where a double does not hold it."""
        return (
            int(self.text) if _INTEGER.fullmatch(self.text) and len(self.text) < 4_000 else _held(self.text)
        )


class Pairs(list[tuple[str, Any]]):
    """An object in which a key is given more than once."""


@dataclass(frozen=True)
class Style:
    """How a document is written, so that what is put into it is written alike."""

    comma: str = ","
    colon: str = ":"
    indent: str = ""  # of one level, where a line holds one value
    newline: str = "\n"
    ascii: bool = False  # letters beyond ASCII are escaped


def style_of(text: str, *, is_ascii: bool | None = None) -> Style:
    """Return how `text` is written; `is_ascii`: whether letters beyond ASCII are to be escaped, None to see."""
    indent = _INDENT.search(text)
    is_spaced = '": ' in text
    return Style(
        comma=", " if is_spaced else ",",
        colon=": " if is_spaced or (indent and '":' not in text) else ":",
        indent=indent[1] if indent else "",
        newline="\r\n" if "\r\n" in text else "\n",
        ascii=text.isascii() and "\\u" in text if is_ascii is None else is_ascii,
    )


def strict(text: str | bytes) -> Any:
    """Return what the JSON says, with plain numbers. Raises Inexact for a key that is given twice, NaN, or a number
    that a double does not hold; ValueError for what is no JSON, RecursionError for what is nested too deep."""
    return json.loads(text, **STRICT)


def exact(
    text: str | bytes, *, table: Callable[[list[tuple[str, Any]]], Any] | None = None, is_lax: bool = False
) -> Any:
    """Return what the JSON says, with a Number for each number. `table` makes something of the pairs of an object,
    else a doubled key raises Inexact, as NaN does unless it `is_lax`. Raises as `strict` does."""
    return json.loads(
        text,
        parse_int=Number,
        parse_float=Number,
        parse_constant=Number if is_lax else _no_constant,
        object_pairs_hook=table or unique,
    )


def pairs(members: list[tuple[str, Any]]) -> dict[str, Any] | Pairs:
    """Return the object, as Pairs where a key is doubled: for `exact`."""
    table = dict(members)
    return table if len(table) == len(members) else Pairs(members)


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same JSON: 1, 1.0 and true are not, though Python takes them for equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def written(value: Any, style: Style, base: str | None = None) -> str:
    """Return the value as JSON in a style. `base`: what its line begins with where it is to stand on lines, None
    for one line. What has a `text` knows how it is written. Raises ValueError for NaN as a float."""
    text: str | None = getattr(value, "text", None)
    if text is not None:
        return text
    match value:
        case str():
            return string(value, style)
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case int():
            return int.__repr__(value)
        case float():
            return json.dumps(float(value), allow_nan=False)
        case dict() | Pairs():
            members = value.items() if isinstance(value, dict) else value
            inner = base if base is None else base + style.indent
            named = (
                f"{string(name, style)}{style.colon}{written(item, style, inner)}" for name, item in members
            )
            return _enclosed("{}", named, style, base)
        case list() | tuple():
            inner = base if base is None else base + style.indent
            return _enclosed("[]", (written(item, style, inner) for item in value), style, base)
    raise ValueError(f"JSON has no {type(value).__name__}")


def string(value: str, style: Style) -> str:
    """Return a string as JSON. Half of a surrogate pair, which no encoding has, is escaped in any style."""
    text = encode_basestring_ascii(value) if style.ascii else encode_basestring(value)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _enclosed(brackets: str, items: Iterable[str], style: Style, base: str | None) -> str:
    parts = list(items)
    if not parts:
        return brackets
    if base is None:
        return brackets[0] + style.comma.join(parts) + brackets[1]
    line = style.newline + base
    return f"{brackets[0]}{line}{style.indent}{f',{line}{style.indent}'.join(parts)}{line}{brackets[1]}"


def unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object. Raises Inexact for a key that is given twice."""
    table = dict(members)
    if len(table) < len(members):
        names = [name for name, _value in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise Inexact(f"the key “{twice[:60]}” is given twice in one object")
    return table


def _held(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Infinite(f"{text[:60]} is no number that a float holds")
    said = _decimal(text)
    digits = 0 if said is None else len(said.as_tuple().digits)
    if said is None or (
        said != Decimal(repr(number))
        # What a program printed with all its digits is that float too.
        and (digits < _DOUBLE_DIGITS or said != Context(prec=digits).create_decimal_from_float(number))
    ):
        raise Inexact(f"{text[:60]} has more digits than a float")
    return number


def double(text: str) -> float | Number:
    """Return a number as a float, as it is written where none holds it: so no two numbers become one."""
    try:
        return _held(text)
    except Inexact:
        return Number(text)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent that not even it can hold
        return None


def _no_constant(name: str) -> NoReturn:
    raise Infinite(f"JSON has no {name}")


STRICT: dict[str, Any] = {
    "parse_float": _held,
    "parse_constant": _no_constant,
    "object_pairs_hook": unique,
}


class StrictDecoder(json.JSONDecoder):
    """`strict` where a class is asked for."""

    def __init__(self) -> None:
        super().__init__(**STRICT)
