"""A JSON body that is changed in places, and stays byte for byte elsewhere: white space, digits, escapes, order.

Only what a path runs through is opened: everything else is a piece of text that is carried along. The opened tables
and lists are as `jsonpatch` and others change such; what is put into them is written as the document is. Pure.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.reading.jsontext import Number, Style, exact, pairs, string, style_of, written

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_scan = _decoder.raw_decode
# The same, of what is known to be JSON: StopIteration elsewhere.
_scan_part: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]
_UNREAD: Any = object()
_ONE_LINE = Style(ascii=True)
_LITERALS = {"true": True, "false": False, "null": None}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Doubled(ValueError):
    """A path runs through a key that its object has twice; `name` is that key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the key {name!r} is given twice")
        self.name = name


class Text(str):
    """A string of the document; `text` is how it is written there."""

    text: str

    def __new__(cls, value: str, text: str) -> Text:
        found = super().__new__(cls, value)
        found.text = text
        return found

    def __deepcopy__(self, _memo: Any) -> Text:
        return self


@dataclass
class Item:
    """A member or an element: white space, the key and its colon, the value, white space."""

    lead: str
    key: str  # as it is written, with the colon and the white space around that; "" of an element
    raw: str  # the value as it is written, unless it was opened or set
    trail: str
    style: Style
    value: Any = _UNREAD
    name: str = ""

    @property
    def base(self) -> str | None:
        """What the line begins with on which it stands, None where it stands among others."""
        return self.lead.rpartition("\n")[2] if "\n" in self.lead else None

    def get(self) -> Any:
        if self.value is _UNREAD:
            self.value = _value(self.raw, self.style, self.base)
        return self.value

    def set(self, value: Any) -> None:
        # What says the same already stays as it is written.
        if _as_said(self.text()) != _as_said(written(value, self.style)):
            self.value = value

    def text(self) -> str:
        return self.raw if self.value is _UNREAD else written(self.value, self.style, self.base)


class _Container:
    brackets: str

    def __init__(self, entries: list[Item], inner: str, style: Style, base: str | None) -> None:
        self.entries = entries
        self._inner = inner  # the white space in an empty one
        self._style = style
        self._base = base

    @property
    def text(self) -> str:
        """How it is written."""
        parts = (f"{item.lead}{item.key}{item.text()}{item.trail}" for item in self.entries)
        return self.brackets[0] + (",".join(parts) or self._inner) + self.brackets[1]

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return self.text

    def __deepcopy__(self, _memo: Any) -> Any:
        return _value(self.text, self._style, self._base)

    def _put(self, index: int, key: str, name: str, value: Any) -> Item:
        """Insert, spaced as its neighbours are."""
        items = self.entries
        item = Item("", key, "", "", self._style, value, name)
        if not items:
            if self._base is not None and self._style.indent:
                line = self._style.newline + self._base
                item.lead, item.trail = line + self._style.indent, line
        else:
            first, last = items[0], items[-1]
            beside = items[min(max(index, 1), len(items) - 1)]
            later = beside.lead if len(items) > 1 else first.lead or self._style.comma[1:]
            item.lead = first.lead if index == 0 else later
            if index == 0:
                first.lead = later
            if index == len(items):
                item.trail, last.trail = last.trail, first.trail if len(items) > 1 else ""
        items.insert(index, item)
        self._inner = ""
        return item

    def _drop(self, index: int) -> None:
        item = self.entries.pop(index)
        if self.entries and index == 0:
            self.entries[0].lead = item.lead
        if self.entries and index == len(self.entries):
            self.entries[-1].trail = item.trail


class Table(_Container, MutableMapping[str, Any]):
    """An object of the document. Asked for a key that it has twice it raises Doubled."""

    brackets = "{}"

    def __init__(self, entries: list[Item], inner: str, style: Style, base: str | None) -> None:
        super().__init__(entries, inner, style, base)
        self._named: dict[str, Item | None] = {}
        for item in entries:
            self._named[item.name] = None if item.name in self._named else item

    def _find(self, name: str) -> Item:
        item = self._named[name]
        if item is None:
            raise Doubled(name)
        return item

    def __getitem__(self, name: str) -> Any:
        return self._find(name).get()

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._named:
            self._find(name).set(value)
            return
        colon = _colon(self.entries[-1].key) if self.entries else self._style.colon
        self._named[name] = self._put(len(self.entries), string(name, self._style) + colon, name, value)

    def __delitem__(self, name: str) -> None:
        found = self._find(name)
        self._drop(next(index for index, item in enumerate(self.entries) if item is found))
        del self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter([item.name for item in self.entries])


class Array(_Container, MutableSequence[Any]):
    """A list of the document."""

    brackets = "[]"

    def __getitem__(self, index: Any) -> Any:
        return self.entries[index].get()

    def __setitem__(self, index: Any, value: Any) -> None:
        self.entries[index].set(value)

    def __delitem__(self, index: Any) -> None:
        self._drop(range(len(self.entries))[index])

    def insert(self, index: int, value: Any) -> None:
        self._put(min(index, len(self.entries)), "", "", value)


@dataclass
class Document:
    """A body: its value, between what stands before and after it, in its encoding."""

    value: Any
    _lead: str
    _trail: str
    _encoding: str
    _style: Style

    def text(self) -> str:
        """Return it as text."""
        return self._around(self.value)

    def with_value(self, value: Any) -> bytes:
        """Return the body with another value in it, or its own one that was changed. Raises ValueError for what
        JSON does not have."""
        if not isinstance(value, _Container) and _as_said(written(value, self._style)) == _as_said(
            written(self.value, self._style)
        ):
            value = self.value  # it says the same already
        return self._around(value).encode(self._encoding, "surrogatepass")

    def _around(self, value: Any) -> str:
        base = "" if self._style.indent else None
        return f"{self._lead}{written(value, self._style, base)}{self._trail}"


def read(body: bytes, *, charset: str = "utf-8") -> Document:
    """Return the JSON that a body is. Raises ValueError where it is none, RecursionError where it is too deep.

    It is UTF-8, UTF-16 or UTF-32, as can be seen. `charset` is the one that the message names: in a body that
    is ASCII, another than UTF-8 has letters beyond it written as escapes.
    """
    encoding = next((name for mark, name in _MARKS if body.startswith(mark)), "") or json.detect_encoding(
        body
    )
    encoding = encoding.replace("utf-8-sig", "utf-8")
    text = body.decode(encoding)
    is_foreign = encoding == "utf-8" and text.isascii() and charset != "utf-8"
    return read_text(text, encoding, style_of(text, is_ascii=True if is_foreign else None))


def read_text(text: str, encoding: str = "utf-8", style: Style | None = None) -> Document:
    """Return the JSON that a text is, for `read`; so it raises."""
    style = style or style_of(text)
    start = _after_space(text, len(text) - len(text.lstrip("\ufeff")))
    end = _scan(text, start)[1]
    if _after_space(text, end) != len(text):
        raise ValueError("no JSON: more stands behind it")
    value = _value(text[start:end], style, "" if style.indent else None)
    return Document(value, text[:start], text[end:], encoding, style)


def plain(value: Any) -> Any:
    """Return a value without what it was written like. Raises Doubled, and Inexact for a number that no float
    holds."""
    match value:
        case Number():
            return value.plain()
        case str():
            return str(value)
        case Table() | dict():
            return {str(name): plain(value[name]) for name in value}
        case Array() | list():
            return [plain(item) for item in value]
        case _:
            return value


def said(text: str) -> Any:
    """Return the values in JSON text without their names: scalars and lists, with a Number for each number."""
    return exact(text, table=lambda members: [value for _name, value in members], is_lax=True)


def _value(text: str, style: Style, base: str | None) -> Any:
    match text[0]:
        case "{":
            return Table(*_members(text, style), style, base)
        case "[":
            return Array(*_elements(text, style), style, base)
        case '"':
            return Text(_scan(text)[0], text)
        case _:
            return _LITERALS[text] if text in _LITERALS else Number(text)


def _members(text: str, style: Style) -> tuple[list[Item], str]:
    items: list[Item] = []
    at = 1
    while True:
        start = _after_space(text, at)
        if text[start] == "}":
            return items, text[at:start]
        name, end = _scan_part(text, start)
        begin = _after_space(text, _after_space(text, end) + 1)
        stop = _scan_part(text, begin)[1]
        close = _after_space(text, stop)
        items.append(
            Item(text[at:start], text[start:begin], text[begin:stop], text[stop:close], style, name=name)
        )
        if text[close] == "}":
            return items, ""
        at = close + 1


def _elements(text: str, style: Style) -> tuple[list[Item], str]:
    items: list[Item] = []
    at = 1
    while True:
        start = _after_space(text, at)
        if text[start] == "]":
            return items, text[at:start]
        stop = _scan_part(text, start)[1]
        close = _after_space(text, stop)
        items.append(Item(text[at:start], "", text[start:stop], text[stop:close], style))
        if text[close] == "]":
            return items, ""
        at = close + 1


def _after_space(text: str, at: int) -> int:
    if text[at : at + 1] > " ":
        return at
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _colon(key: str) -> str:
    """Return the colon behind a key, with the white space around it."""
    return key[_scan(key)[1] :]


def _as_said(text: str) -> str:
    """Return what a value says, in one way of writing; numbers as they are written."""
    return written(exact(text, table=pairs, is_lax=True), _ONE_LINE)
