"""What could be typed next: fields, operators, values that rows have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.core.query.lexer import quote, written

MOST = 12
_WORD = re.compile(r'(?:[^\s()"]|"(?:[^"\\]|\\.)*"?)*\Z')
_OPERATOR = re.compile(r"!=|:?>=|:?<=|:=|:>|:<|:|=|>|<")
_BARE_SEGMENT = re.compile(r"[^\s().\"!:=<>]+(?:\.[^\s().\"!:=<>]+)*")
_SIGNS = {"table": ".", "real": ">", "span": ">"}  # what mostly follows a field
_AGES = ("<15m", "<1h", "<24h", "<7d", ">7d")


@dataclass(frozen=True)
class Offer:
    """`text` stands for the characters in question; `about` explains it. `is_whole`: a blank may follow."""

    text: str
    about: str = ""
    is_whole: bool = True


@dataclass(frozen=True)
class Offers:
    """What could stand in the place of the characters from `start` to `end` of the query."""

    start: int
    end: int
    items: tuple[Offer, ...] = ()


class Known(Protocol):
    """What rows have: a few bounded reads of the database."""

    def values(self, field: Field, path: str) -> Iterable[str]:
        """Return values of a field; `path` lies within one of kind "table"."""

    def paths(self, field: Field) -> Iterable[str]:
        """Return what lies within a field of kind "table"."""


def offers(query: str, at: int, vocabulary: Vocabulary, known: Known) -> Offers:
    """Return what the word before the cursor `at` could become."""
    at = max(0, min(at, len(query)))
    match = _WORD.search(query[:at])
    start = match.start() if match else at
    while query[start:at].startswith("-"):
        start += 1
    word = query[start:at]
    if word.startswith('"'):
        return Offers(start, at)
    operator = _OPERATOR.search(word)
    if operator is None:
        return Offers(start, at, tuple(_first(_names(word, vocabulary, known), MOST)))
    name, _dot, path = word[: operator.start()].partition(".")
    field = vocabulary.find(name)
    if field is None:
        return Offers(start, at)
    place = start + operator.end()
    typed = word[operator.end() :].lstrip('"')
    if field.kind == "moment":
        place, typed = start + operator.start(), word[operator.start() :].lstrip(":")
        ages = (Offer(f":{age}") for age in _AGES if age.startswith(typed))
        return Offers(place, at, tuple(_first(ages, MOST)))
    have = field.choices or known.values(field, path.strip('"'))
    values = (Offer(written(value)) for value in _fitting(have, typed))
    return Offers(place, at, tuple(_first(values, MOST)))


def _names(word: str, vocabulary: Vocabulary, known: Known) -> Iterator[Offer]:
    name, dot, path = word.partition(".")
    field = vocabulary.find(name)
    if dot and field is not None and field.kind == "table":
        for found in _fitting(known.paths(field), path.strip('"')):
            segment = found if _BARE_SEGMENT.fullmatch(found) else quote(found)
            yield Offer(f"{field.name}.{segment}=", is_whole=False)
        return
    lowered = word.lower()
    for field in vocabulary.fields.values():
        if field.name.startswith(lowered):
            sign = _SIGNS.get(field.kind, ":")
            yield Offer(f"{field.name}{sign}", str(field.about), is_whole=False)


def _fitting(known: Iterable[str], typed: str) -> Iterator[str]:
    """Yield what begins with the typed text, then what holds it."""
    lowered = typed.lower()
    found = [name for name in known if lowered in name.lower() and name != typed]
    yield from sorted(found, key=lambda name: not name.lower().startswith(lowered))


def _first(found: Iterator[Offer], most: int) -> Iterator[Offer]:
    for _number, offer in zip(range(most), found, strict=False):
        yield offer
