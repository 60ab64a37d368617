"""The characters of a query -> tokens with their places. Pure.

Grammar, whitespace apart:

    query     = either
    either    = all { "or" all }
    all       = one { [ "and" ] one }
    one       = { "-" | "not" } ( "(" either ")" | condition | word | quoted )
    condition = name { "." segment } operator ( word | quoted )

A word goes on to the next blank, quote or bracket. A colon in it makes a condition of it, unless it is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from mqadmin.deadletters.search.query.syntax import QueryError

TokenKind = Literal["(", ")", "-", "not", "and", "or", "words", "condition"]

_NAME = re.compile(r"[^\W\d][\w-]*", re.ASCII)
_SEGMENT = re.compile(r"[^\s().\"!:=<>]+")
_OPERATOR = re.compile(r"!=|:?>=|:?<=|:=|:>|:<|:|=|>|<")
_BARE = re.compile(r"[^\s()\"]+")
_SPACE = re.compile(r"\s+")
_WORDS: dict[str, TokenKind] = {"and": "and", "or": "or", "not": "not"}


@dataclass(frozen=True)
class Token:
    """`text` is a word, or the value of a condition; `value_at` where that begins."""

    kind: TokenKind
    start: int
    end: int
    text: str = ""
    is_quoted: bool = False
    name: str = ""
    path: tuple[str, ...] = ()
    operator: str = ""
    value_at: int = 0


def tokens(query: str) -> Iterator[Token]:
    """Yield the tokens. Raises QueryError for a quote that does not end and a condition without a value."""
    at = 0
    while at < len(query):
        space = _SPACE.match(query, at)
        if space:
            at = space.end()
            continue
        token = _token(query, at)
        yield token
        at = token.end


def _token(query: str, at: int) -> Token:
    character = query[at]
    if character == "(":
        return Token("(", at, at + 1)
    if character == ")":
        return Token(")", at, at + 1)
    if character == "-" and at + 1 < len(query) and not query[at + 1].isspace():
        return Token("-", at, at + 1)
    if character == '"':
        text, end = _quoted(query, at)
        return Token("words", at, end, text, is_quoted=True)
    return _condition(query, at) or _word(query, at)


def _word(query: str, at: int) -> Token:
    match = _BARE.match(query, at)
    end = match.end() if match else at + 1
    text = query[at:end]
    return Token(_WORDS.get(text.lower(), "words"), at, end, text)


def _condition(query: str, at: int) -> Token | None:
    name = _NAME.match(query, at)
    if name is None:
        return None
    end, path = name.end(), []
    while query[end : end + 1] == ".":
        if query[end + 1 : end + 2] == '"':
            segment, end = _quoted(query, end + 1)
        else:
            found = _SEGMENT.match(query, end + 1)
            if found is None:
                break
            segment, end = found[0], found.end()
        path.append(segment)
    operator = _OPERATOR.match(query, end)
    if operator is None:
        return None
    place = operator.end()
    if query[place : place + 1] == '"':
        text, end = _quoted(query, place)
        is_quoted = True
    else:
        value = _BARE.match(query, place)
        if value is None:
            text = _("A value is missing behind “%(what)s”. To look for the text itself, put it in quotes.")
            raise QueryError(text % {"what": query[at:place]}, at, place, (quote(query[at:place]),))
        text, end, is_quoted = value[0], value.end(), False
    sign = operator[0] if len(operator[0]) == 1 else operator[0].removeprefix(":")
    return Token("condition", at, end, text, is_quoted, name[0], tuple(path), sign, place)


def _quoted(query: str, at: int) -> tuple[str, int]:
    """Return the text from the quote at `at`, and where it ends; a backslash keeps the next character."""
    pieces: list[str] = []
    here = at + 1
    while here < len(query):
        character = query[here]
        if character == '"':
            return "".join(pieces), here + 1
        if character == "\\" and here + 1 < len(query):
            here += 1
            character = query[here]
        pieces.append(character)
        here += 1
    raise QueryError(_("This quote does not end."), at, len(query), (query[at:].rstrip("\\") + '"',))


def quote(text: str) -> str:
    """Return `text` in quotes, as a query writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written(text: str) -> str:
    """Return `text` as the value of a condition: in quotes where it needs them."""
    return text if _BARE.fullmatch(text) and "*" not in text else quote(text)
