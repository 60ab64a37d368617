"""What could be typed next: fields, operators' values, names that letters of the broker have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mqadmin.deadletters.search import facets
from mqadmin.deadletters.search.query import fields
from mqadmin.deadletters.search.query.fields import Field
from mqadmin.deadletters.search.query.lexer import quote, written

MOST = 12
_WORD = re.compile(r'(?:[^\s()"]|"(?:[^"\\]|\\.)*"?)*\Z')
_OPERATOR = re.compile(r"!=|:?>=|:?<=|:=|:>|:<|:|=|>|<")
_BARE_SEGMENT = re.compile(r"[^\s().\"!:=<>]+(?:\.[^\s().\"!:=<>]+)*")
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


def offers(broker: str, query: str, at: int) -> Offers:
    """Return what the word before the cursor `at` could become. A few bounded reads of the database."""
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
        return Offers(start, at, tuple(_first(_names(broker, word), MOST)))
    name, _dot, path = word[: operator.start()].partition(".")
    field = fields.find(name)
    if field is None:
        return Offers(start, at)
    place = start + operator.end()
    typed = word[operator.end() :].lstrip('"')
    if field.kind == "moment":
        place, typed = start + operator.start(), word[operator.start() :].lstrip(":")
        ages = (Offer(f":{age}") for age in _AGES if age.startswith(typed))
        return Offers(place, at, tuple(_first(ages, MOST)))
    values = (Offer(written(value)) for value in _fitting(_values(broker, field, path), typed))
    return Offers(place, at, tuple(_first(values, MOST)))


def _names(broker: str, word: str) -> Iterator[Offer]:
    name, dot, path = word.partition(".")
    field = fields.find(name)
    if dot and field is not None and field.kind == "table":
        known = facets.paths(broker, field.columns[0])
        for found in _fitting(known, path.strip('"')):
            segment = found if _BARE_SEGMENT.fullmatch(found) else quote(found)
            yield Offer(f"{field.name}.{segment}=", is_whole=False)
        return
    lowered = word.lower()
    for field in fields.FIELDS.values():
        if field.name.startswith(lowered):
            sign = "." if field.kind == "table" else ":"
            yield Offer(f"{field.name}{sign}", str(field.about), is_whole=False)


def _values(broker: str, field: Field, path: str) -> Iterable[str]:
    if field.choices:
        return field.choices
    match field.name:
        case "source" | "queue" | "vhost" | "exchange" | "consumer":
            return facets.names(broker, field.columns[0])
        case "error":
            return facets.error_types(broker)
        case "header" | "property":
            return facets.values(broker, field.columns[0], path.strip('"'))
        case _:
            return ()


def _fitting(known: Iterable[str], typed: str) -> Iterator[str]:
    """Yield what begins with the typed text, then what holds it."""
    lowered = typed.lower()
    found = [name for name in known if lowered in name.lower() and name != typed]
    yield from sorted(found, key=lambda name: not name.lower().startswith(lowered))


def _first(found: Iterator[Offer], most: int) -> Iterator[Offer]:
    for _number, offer in zip(range(most), found, strict=False):
        yield offer
