"""Which rows of a table match a search: the same language, and the same meaning, as of queues (`queues.search`)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mqadmin.core.query import values
from mqadmin.core.query.syntax import All, BadQuery, Condition, Either, Node, Not, Words
from mqadmin.queues.search import patterns

if TYPE_CHECKING:
    from mqadmin.administration.listing.tables import Table

Holds = Callable[[int], bool]  # of the value at a place
_COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def matching(node: Node, table: Table, places: Sequence[int], now: datetime) -> list[int]:
    """Return those of `places` whose rows match, in the same order. Raises BadQuery where a pattern takes too long.

    A number that the broker did not report is neither more nor less than any.
    """
    match node:
        case All(parts):
            found = list(places)
            for part in parts:
                found = matching(part, table, found, now)
            return found
        case Either(parts):
            some: set[int] = set()
            for part in parts:
                some.update(matching(part, table, [place for place in places if place not in some], now))
            return [place for place in places if place in some]
        case Not(part):
            without = set(matching(part, table, places, now))
            return [place for place in places if place not in without]
        case Words():
            return _words(node, table, places)
        case Condition():
            found = _condition(node, table, places, now)
            if node.operator != "!=":
                return found
            without = set(found)
            return [place for place in places if place not in without]


def check(leaf: Words | Condition) -> bool:
    """Whether a pattern or a star is looked for. Raises BadQuery for one that is not valid."""
    pattern = _pattern(leaf)
    return pattern is not None


def _words(node: Words, table: Table, places: Sequence[int]) -> list[int]:
    columns = [table.of(name) for name in table.kind.words]
    if pattern := _pattern(node):
        hits = [_by_pattern(node, pattern, column.distinct) for column in columns]
    else:
        text = node.text.lower()
        hits = [[text in value for value in column.lowered] for column in columns]
    hit = [(column, found) for column, found in zip(columns, hits, strict=True) if any(found)]
    if len(hit) <= 1:
        return hit[0][0].holding(places, hit[0][1]) if hit else []
    some = {place for column, found in hit for place in column.holding(places, found)}
    return [place for place in places if place in some]


def _condition(node: Condition, table: Table, places: Sequence[int], now: datetime) -> list[int]:
    if node.field.kind == "flag":
        name, test = table.kind.flags.get(node.value.text, (node.value.text, bool))
        column = table.of(name)
        return column.holding(places, column.hits(test))
    column = table.of(node.field.columns[0])
    values = [_inside(value, node.path) for value in column.distinct] if node.path else column.distinct
    if pattern := _pattern(node):
        return column.holding(places, _by_pattern(node, pattern, values))
    holds = _KINDS[node.field.kind](node, values, now)
    return column.holding(places, [holds(code) for code in range(len(values))])


def _by_pattern(leaf: Words | Condition, pattern: patterns.Pattern, values: Sequence[Any]) -> list[bool]:
    """Return which of the values a pattern finds. Raises BadQuery where it takes too long."""
    texts = [(code, text) for code, value in enumerate(values) for text in _texts(value)]
    hits = [False] * len(values)
    try:
        found = patterns.matching(pattern, (text for _code, text in texts))
        for (code, _text), holds in zip(texts, found, strict=True):
            hits[code] = hits[code] or holds
    except patterns.BadPattern as error:
        raise BadQuery(str(error), leaf.start, leaf.end) from error
    return hits


def _pattern(leaf: Words | Condition) -> patterns.Pattern | None:
    """Return what a leaf looks for, if it is a pattern or has a star. Raises BadQuery for one that is not valid."""
    try:
        if isinstance(leaf, Words):
            return patterns.compiled(leaf.text) if leaf.is_pattern else None
        value = leaf.value
        if value.is_pattern:
            return patterns.compiled(value.text)
        is_name = leaf.field.kind in ("name", "names", "table")
        if not is_name or value.is_quoted or leaf.operator == "=" or "*" not in value.text:
            return None
        parts = (re.escape(part) for part in re.split(r"\*+", value.text))
        return patterns.compiled(f"(?s-i)\\A{'.*'.join(parts)}\\z")
    except patterns.BadPattern as error:
        raise BadQuery(str(error), leaf.start, leaf.end) from error


def _texts(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return (value.encode("utf-8", "replace").decode(),)
    return [str(item) for item in value] if isinstance(value, list) else ()


def _inside(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _exact(node: Condition, column: Sequence[Any], now: datetime) -> Holds:  # noqa: ARG001
    text = node.value.text
    return lambda place: (column[place] or "") == text


def _among(node: Condition, column: Sequence[Any], now: datetime) -> Holds:  # noqa: ARG001
    text = node.value.text
    return lambda place: text in (column[place] or ())


def _contains(node: Condition, column: Sequence[Any], now: datetime) -> Holds:  # noqa: ARG001
    text = node.value.text.lower()
    return lambda place: text in str(column[place] or "").lower()


def _choice(node: Condition, column: Sequence[Any], now: datetime) -> Holds:
    if set(node.field.choices) == {"yes", "no"}:
        wanted = node.value.text == "yes"
        return lambda place: bool(column[place]) is wanted
    return _exact(node, column, now)


def _number(node: Condition, column: Sequence[Any], now: datetime) -> Holds:  # noqa: ARG001
    compared, number = _COMPARED.get(node.operator, operator.eq), node.value.number or 0
    return lambda place: column[place] is not None and compared(column[place], number)


def _moment(node: Condition, column: Sequence[Any], now: datetime) -> Holds:
    """Of a column of seconds since 1970."""
    if node.value.when is None:
        return lambda place: False  # noqa: ARG005
    start, end = values.bounds(node.operator, node.value.when, now)
    first = float("-inf") if start is None else start.timestamp()
    last = float("inf") if end is None else end.timestamp()
    return lambda place: column[place] is not None and first <= column[place] < last


def _table(node: Condition, column: Sequence[Any], now: datetime) -> Holds:
    if node.operator in _COMPARED:
        return _number(node, [value if _is_number(value) else None for value in column], now)
    text, number = node.value.text, node.value.number

    def holds(place: int) -> bool:
        value = column[place]
        if _is_number(value) and number is not None:
            return bool(value == number)
        return value is not None and _written(value) == text

    return holds


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_KINDS: dict[str, Callable[[Condition, Sequence[Any], datetime], Holds]] = {
    "name": _exact,
    "names": _among,
    "text": _contains,
    "choice": _choice,
    "number": _number,
    "real": _number,
    "span": _number,
    "moment": _moment,
    "table": _table,
}
