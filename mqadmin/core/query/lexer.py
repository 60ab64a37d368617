"""The characters of a query -> tokens with their places. Pure.

Grammar, whitespace apart:

    query     = either
    either    = all { "or" all }
    all       = one { [ "and" ] one }
    one       = { "-" | "not" } ( "(" either ")" | condition | word | quoted )
    condition = name { "." segment } operator ( word | quoted )

A word goes on to the next blank, quote or bracket. A colon in it makes a condition of it, unless it is quoted.
Where the vocabulary has patterns, a word or value may be one: from a slash to the next before a blank, a closing
bracket or the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from mqadmin.core.query.fields import Vocabulary
from mqadmin.core.query.syntax import BadQuery

TokenKind = Literal["(", ")", "-", "not", "and", "or", "words", "condition"]

_NAME = re.compile(r"[^\W\d][\w-]*", re.ASCII)
_SEGMENT = re.compile(r"[^\s().\"!:=<>]+")
_OPERATOR = re.compile(r"!=|:?>=|:?<=|:=|:>|:<|:|=|>|<")
_BARE = re.compile(r"[^\s()\"]+")
_PATTERN = re.compile(r"/((?:[^/\\]|\\.|/(?![\s)]|\Z))+)/(?=[\s)]|\Z)", re.DOTALL)
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
    is_pattern: bool = False


def tokens(query: str, vocabulary: Vocabulary) -> Iterator[Token]:
    """Yield the tokens. Raises BadQuery for a quote that does not end and a condition without a value."""
    at = 0
    while at < len(query):
        space = _SPACE.match(query, at)
        if space:
            at = space.end()
            continue
        token = _token(query, at, vocabulary)
        yield token
        at = token.end


def _token(query: str, at: int, vocabulary: Vocabulary) -> Token:
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
    if vocabulary.has_patterns and (pattern := _PATTERN.match(query, at)):
        return Token("words", at, pattern.end(), pattern[1], is_pattern=True)
    return _condition(query, at, vocabulary) or _word(query, at)


def _word(query: str, at: int) -> Token:
    match = _BARE.match(query, at)
    end = match.end() if match else at + 1
    text = query[at:end]
    return Token(_WORDS.get(text.lower(), "words"), at, end, text)


def _condition(query: str, at: int, vocabulary: Vocabulary) -> Token | None:
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
    if operator is None or _is_word(name[0], operator[0], vocabulary):
        return None
    place = operator.end()
    sign = operator[0] if len(operator[0]) == 1 else operator[0].removeprefix(":")
    if vocabulary.has_patterns and (pattern := _PATTERN.match(query, place)):
        return Token(
            "condition",
            at,
            pattern.end(),
            pattern[1],
            name=name[0],
            path=tuple(path),
            operator=sign,
            value_at=place,
            is_pattern=True,
        )
    if query[place : place + 1] == '"':
        text, end = _quoted(query, place)
        is_quoted = True
    else:
        value = _BARE.match(query, place)
        if value is None:
            text = _("A value is missing behind “%(what)s”. To look for the text itself, put it in quotes.")
            raise BadQuery(text % {"what": query[at:place]}, at, place, (quote(query[at:place]),))
        text, end, is_quoted = value[0], value.end(), False
    return Token("condition", at, end, text, is_quoted, name[0], tuple(path), sign, place)


def _is_word(name: str, operator: str, vocabulary: Vocabulary) -> bool:
    """Whether what looks like a condition is a name with a colon in it."""
    if not vocabulary.has_colons or not operator.startswith(":"):
        return False
    return vocabulary.find(name) is None and not vocabulary.near(name)


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
    raise BadQuery(_("This quote does not end."), at, len(query), (query[at:].rstrip("\\") + '"',))


def quote(text: str) -> str:
    """Return `text` in quotes, as a query writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written(text: str) -> str:
    """Return `text` as the value of a condition: in quotes where it needs them."""
    return text if _BARE.fullmatch(text) and "*" not in text else quote(text)
