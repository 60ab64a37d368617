"""A body as a person reads and types it: as text, as JSON that is checked, as hex digits, as base64. Pure.

What is read back is the bytes that were typed. A browser sends every line break as CR LF, and shows any of them
alike: `restored` puts back the ones that the body had.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import NoReturn

from django.utils.translation import gettext as _

MOST_HEX = 65_536  # bytes that are shown or typed as hex digits
ROW = 16
_HEX = frozenset(b"0123456789abcdefABCDEF")
_WORD = re.compile(r"\S+")
_LINE_END = re.compile(r"\r\n|\r|\n")


class Unreadable(ValueError):
    """The text is no body of its kind; `at` is the place in it, counted in characters, None for no one place."""

    def __init__(self, text: str, at: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.at = at


def ways(body: bytes) -> list[str]:
    """Return the ways in which a body can be shown and typed, the best first: utf-8, json, hex, base64."""
    found = []
    text = _text(body)
    if text is not None:
        found = ["utf-8", "json"]
        if text.lstrip()[:1] in ("{", "[") and _is_json(text):
            found = ["json", "utf-8"]
    if len(body) <= MOST_HEX:
        found.append("hex")
    return found or ["base64"]


def written(body: bytes, way: str) -> str:
    """Return the body as a person types it. Raises Unreadable where it cannot be shown in this way."""
    if way == "hex":
        if len(body) > MOST_HEX:
            raise Unreadable(_("Hex is for bodies of at most 64 kB: this one is longer."))
        return "\n".join(body[start : start + ROW].hex(" ") for start in range(0, len(body), ROW))
    if way == "base64":
        return base64.b64encode(body).decode()
    text = _text(body)
    if text is None:
        raise Unreadable(_("It is not UTF-8 text: some of its bytes can only be shown as hex."))
    return text


def read(text: str, way: str) -> bytes:
    """Return the bytes that were typed. Raises Unreadable, with the place."""
    if way == "hex":
        return _from_hex(text)
    if way == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise Unreadable(_("Not base64.")) from None
    if way == "json":
        _check_json(text)
    return text.encode("utf-8", "surrogatepass")


def restored(typed: str, before: bytes) -> str:
    """Return what was typed with the line breaks of the body before: untouched text stays byte for byte."""
    was = _text(before)
    if was is None:
        return typed.replace("\r\n", "\n")
    if _with_crlf(typed) == _with_crlf(was):
        return was
    ends = set(_LINE_END.findall(was))
    return _with_crlf(typed) if ends == {"\r\n"} else _LINE_END.sub("\n", typed)


def has_mixed_ends(body: bytes) -> bool:
    """Whether a change typed as text would also change line breaks: there are several kinds, or lone CRs."""
    ends = set(_LINE_END.findall(_text(body) or ""))
    return len(ends) > 1 or "\r" in ends


def rows(body: bytes) -> list[tuple[str, str, str]]:
    """Return (offset, hex digits, ASCII) of the first MOST_HEX bytes, ROW to a row."""
    return [
        (f"{start:08x}", part.hex(" "), "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part))
        for start in range(0, min(len(body), MOST_HEX), ROW)
        if (part := body[start : min(start + ROW, MOST_HEX)])
    ]


def around(text: str, at: int, *, most: int = 60) -> tuple[str, str, str]:
    """Return the line of a fault as (before, the character to blame, after), at most `most` on each side."""
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    before = text[max(begin, at - most) : at]
    return (
        ("…" if at - most > begin else "") + before,
        text[at : at + 1].strip("\n"),
        text[at + 1 : min(end, at + 1 + most)],
    )


def place(text: str, at: int) -> tuple[int, int]:
    """Return (line, column) of a place in a text, both from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _text(body: bytes) -> str | None:
    """Return the body as text that a form can hold, None where there is none: no NUL goes through a form."""
    try:
        return None if b"\0" in body else body.decode()
    except UnicodeDecodeError:
        return None


def _with_crlf(text: str) -> str:
    return _LINE_END.sub("\r\n", text)


def _is_json(text: str) -> bool:
    try:
        _check_json(text)
    except Unreadable:
        return False
    return True


def _check_json(text: str) -> None:
    try:
        # Numbers stay text: they are looked at, not computed with, and may have thousands of digits.
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        line, column = place(text, error.pos)
        where = {"line": line, "column": column, "what": error.msg}
        raise Unreadable(
            _("Not JSON. Line %(line)d, column %(column)d: %(what)s.") % where, error.pos
        ) from None
    except RecursionError:
        raise Unreadable(_("Not JSON that can be checked: it is nested too deep.")) from None


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(_("Not JSON: it has no %(name)s.") % {"name": name})


def _from_hex(text: str) -> bytes:
    parts = []
    for word in _WORD.finditer(text):
        digits = word[0]
        wrong = next((index for index, digit in enumerate(digits) if ord(digit) not in _HEX), None)
        if wrong is not None:
            _blame(text, word.start() + wrong, _("“%(digit)s” is no hex digit") % {"digit": digits[wrong]})
        if len(digits) % 2:
            _blame(
                text,
                word.end() - 1,
                _("a byte has two hex digits, “%(digit)s” stands alone") % {"digit": digits[-1]},
            )
        parts.append(digits)
    found = bytes.fromhex("".join(parts))
    if len(found) > MOST_HEX:
        raise Unreadable(_("Hex is for bodies of at most 64 kB: this one is longer."))
    return found


def _blame(text: str, at: int, what: str) -> NoReturn:
    line, column = place(text, at)
    raise Unreadable(
        _("Line %(line)d, column %(column)d: %(what)s.") % {"line": line, "column": column, "what": what}, at
    )


def labels(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return (way, its name for people)."""
    known = {"utf-8": _("Text"), "json": _("JSON"), "hex": _("Hex"), "base64": "base64"}
    return [(name, known[name]) for name in names]
