"""Whether a letter is what a query asks for, in plain Python: the meaning that the SQL has to agree with. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from mqadmin.core.query import values
from mqadmin.core.query.syntax import All, Condition, Either, Node, Not, Words
from mqadmin.rabbit.message import from_json
from mqadmin.rabbit.numbers import whole
from mqadmin.rabbit.reading import bodies

MOST_VISITED = 10_000  # values of one header table or body that a condition looks at
_UNREAD: Any = object()


@dataclass
class Facts:
    """One letter's columns, by their names, as the database gives them. What is derived is read once."""

    row: Mapping[str, Any]
    _tables: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.row[name]

    def table(self, name: str) -> Any:
        """Return headers or properties as plain values, or the document that the body holds."""
        found = self._tables.get(name, _UNREAD)
        if found is _UNREAD:
            found = self._tables[name] = self._read(name)
        return found

    def _read(self, name: str) -> Any:
        if name == "body":
            properties = self.row["properties"]
            kind, encoding = properties.get("content_type"), properties.get("content_encoding")
            return bodies.document(
                bytes(self.row["body"]),
                kind if isinstance(kind, str) else None,
                encoding if isinstance(encoding, str) else None,
                self.row.get("source_queue") or "",
            )
        try:
            return from_json(self.row[name])
        except ValueError:
            return self.row[name]


def matches(node: Node, facts: Facts, now: datetime) -> bool:
    """Return whether the letter is one that `node` asks for."""
    match node:
        case All(parts):
            return all(matches(part, facts, now) for part in parts)
        case Either(parts):
            return any(matches(part, facts, now) for part in parts)
        case Not(part):
            return not matches(part, facts, now)
        case Words(text):
            return searched(text) in facts["search_text"]
        case Condition():
            return _READERS[node.field.kind](node, facts, now)


def searched(text: str) -> str:
    """Return a word as the search text writes it: see `letters.search_text_of`."""
    return text.casefold().replace("\0", "\u2400")


def lowered(text: str) -> str:
    """Return `text` with the letters A to Z made small: what every database does in the same way."""
    return text.translate(_SMALL)


_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _name(condition: Condition, facts: Facts, now: datetime) -> bool:  # noqa: ARG001
    found = fits(condition, str(facts[condition.field.columns[0]]))
    return found != (condition.operator == "!=")


def _names(condition: Condition, facts: Facts, now: datetime) -> bool:  # noqa: ARG001
    found = any(fits(condition, str(item)) for item in facts[condition.field.columns[0]])
    return found != (condition.operator == "!=")


def _text(condition: Condition, facts: Facts, now: datetime) -> bool:  # noqa: ARG001
    wanted = lowered(condition.value.text)
    found = any(wanted in lowered(facts[column]) for column in condition.field.columns)
    return found != (condition.operator == "!=")


def _number(condition: Condition, facts: Facts, now: datetime) -> bool:  # noqa: ARG001
    return _ordered(condition.operator, facts[condition.field.columns[0]], condition.value.number)


def _moment(condition: Condition, facts: Facts, now: datetime) -> bool:
    at = next((facts[column] for column in condition.field.columns if facts[column] is not None), None)
    when = condition.value.when
    if at is None or when is None:
        return False
    start, end = values.bounds(condition.operator, when, now)
    return (start is None or at >= start) and (end is None or at < end)


def _flag(condition: Condition, facts: Facts, now: datetime) -> bool:  # noqa: ARG001
    found = {
        "edited": facts["edits"] > 0,
        "back": facts["came_back_as"] != "",
        "duplicate": facts["maybe_duplicate_of_id"] is not None,
        "noted": facts["note"] != "",
    }[condition.value.text]
    return bool(found) != (condition.operator == "!=")


def _table(condition: Condition, facts: Facts, now: datetime) -> bool:  # noqa: ARG001
    found = found_at(facts.table(condition.field.columns[0]), condition.path)
    if condition.operator == "!=":
        # There is such a field, and none of its values is this one.
        given = list(found)
        return bool(given) and not any(_equal(value, condition) for value in given)
    if condition.operator in (":", "="):
        return any(_equal(value, condition) for value in found)
    return any(_compared(value, condition) for value in found)


def fits(condition: Condition, text: str) -> bool:
    """Whether a text is what the condition names; `*` stands for any characters behind a colon."""
    parts = wildcard(condition)
    if parts is None:
        return text == condition.value.text
    first, *between, last = parts
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last):
        return False
    at = len(first)
    for part in between:
        # The first place is the best: whatever follows has the most room left. So nothing is tried twice, as a
        # regular expression would, for ever where there are some stars.
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end


def wildcard(condition: Condition) -> list[str] | None:
    """Return what stands around the stars, two texts or more; None for a value that is meant as it stands."""
    value = condition.value
    if value.is_quoted or condition.operator == "=" or "*" not in value.text:
        return None
    return value.text.split("*")


def _equal(found: Any, condition: Condition) -> bool:
    value = condition.value
    if value.number is not None and isinstance(found, int | float | Decimal) and not isinstance(found, bool):
        return bool(found == value.number)
    if isinstance(found, dict | list):
        return value.text == "*" and not value.is_quoted and condition.operator != "="
    return fits(condition, plain(found))


def _compared(found: Any, condition: Condition) -> bool:
    wanted = condition.value.number
    if wanted is None:
        return isinstance(found, str) and _ordered(condition.operator, found, condition.value.text)
    if isinstance(found, str):
        found = values.number(found.strip()) if len(found) <= 40 else None
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal):
        return False
    return _ordered(condition.operator, found, wanted)


def _ordered(operator: str, found: Any, wanted: Any) -> bool:
    match operator:
        case "<":
            return bool(found < wanted)
        case "<=":
            return bool(found <= wanted)
        case ">":
            return bool(found > wanted)
        case ">=":
            return bool(found >= wanted)
        case "!=":
            return bool(found != wanted)
        case _:
            return bool(found == wanted)


def plain(value: Any) -> str:
    """Return a scalar as a person would type it."""
    match value:
        case str():
            return value
        case None | bool():
            return json.dumps(value)
        case bytes() | bytearray():
            return bytes(value).decode("utf-8", "replace")
        case datetime():
            return value.isoformat()
        case _:
            return str(value)


def found_at(document: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield what lies at `path`: a name with dots is one key where there is such a key; a list means each of
    its items, or with a number that one. At most MOST_VISITED values are looked at."""
    left = MOST_VISITED
    waiting: list[tuple[Any, Sequence[str]]] = [(document, path)]
    while waiting and left:
        left -= 1
        node, rest = waiting.pop()
        if isinstance(node, list):
            place = whole(rest[0]) if rest else None
            if place is not None and place < len(node):
                waiting.append((node[place], rest[1:]))
            waiting.extend((item, rest) for item in node[:MOST_VISITED])
        elif not rest:
            yield node
        elif isinstance(node, dict):
            for size in range(1, len(rest) + 1):
                key = ".".join(rest[:size])
                if key in node:
                    waiting.append((node[key], rest[size:]))


_READERS: dict[str, Callable[[Condition, Facts, datetime], bool]] = {
    "name": _name,
    "choice": _name,
    "names": _names,
    "text": _text,
    "number": _number,
    "moment": _moment,
    "flag": _flag,
    "table": _table,
}
