"""A query's tree -> a condition for the database, and what is left to be looked at letter by letter. Pure.

`Compiled.where` is a superset of what the query means: exact, or with letters too many that `meaning.matches`
has to sort out. It never leaves a letter out. What is inside a JSON column or a body is always sorted out in
Python: databases disagree about JSON that strangers wrote (NUL, numbers, duplicate keys), and a cast that fails
fails the whole page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Expression, F, Func, IntegerField, Q, Value
from django.db.models.functions import Coalesce, Left, StrIndex
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan

from mqadmin.core.query import values
from mqadmin.core.query.syntax import All, Condition, Either, Node, Not, Words
from mqadmin.deadletters.search.query import meaning

EVERY = Q()
NONE = Q(pk__in=[])
REPEATS_MASKED = ("error", "trace", "header")  # fields whose texts may repeat what is masked


class AsciiLower(Func):
    """A to Z made small and nothing else: SQLite's LOWER does no more, PostgreSQL's with the collation "C"."""

    function = "LOWER"
    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template='LOWER(%(expressions)s COLLATE "C")', **context)


@dataclass(frozen=True)
class Compiled:
    """`where`: the condition; not `exact`: it lets more letters through than the query means.

    `indexed`: the part of it that the database finds by an index; `scans`: the rest reads letters one by one.
    """

    where: Q
    exact: bool = True
    scans: bool = False
    indexed: Q = EVERY


def compile_tree(node: Node, now: datetime, *, masked: bool = False) -> Compiled:
    """Return the condition for `node` at the moment `now`. `masked`: texts hold what must not be found by them."""
    parts = node.parts if isinstance(node, All) else (node,)
    where, indexed, exact, scans = EVERY, EVERY, True, False
    for part in parts:
        found, is_exact = _superset(part, now, masked)
        where &= found
        exact = exact and is_exact
        if _is_indexed(part):
            indexed &= found
        else:
            scans = True
    return Compiled(where, exact, scans, indexed)


def _is_indexed(node: Node) -> bool:
    if not isinstance(node, Condition) or not node.field.is_indexed or node.operator == "!=":
        return False
    return node.field.kind in ("moment", "number", "choice") or meaning.wildcard(node) is None


def _superset(node: Node, now: datetime, masked: bool) -> tuple[Q, bool]:
    """Return (condition, whether it is exact)."""
    match node:
        case All(parts):
            found = [_superset(part, now, masked) for part in parts]
            where = EVERY
            for item, _is_exact in found:
                where &= item
            return where, all(is_exact for _item, is_exact in found)
        case Either(parts):
            found = [_superset(part, now, masked) for part in parts]
            if any(item == EVERY for item, _is_exact in found):
                return EVERY, all(is_exact for _item, is_exact in found)
            where = NONE
            for item, _is_exact in found:
                where |= item
            return where, all(is_exact for _item, is_exact in found)
        case Not(part):
            item, is_exact = _superset(part, now, masked)
            if not is_exact:
                return EVERY, False  # letters too many, turned round, would be letters too few
            return (NONE if item == EVERY else ~item), True
        case Words(text):
            word = meaning.searched(text)
            return (Q(search_text__contains=word) if word else EVERY), not masked
        case Condition():
            where, is_exact = _CONDITIONS[node.field.kind](node, now)
            if masked and node.field.name in REPEATS_MASKED:
                return (EVERY if node.operator == "!=" else where), False
            return where, is_exact


def _name(condition: Condition, now: datetime) -> tuple[Q, bool]:  # noqa: ARG001
    column, text = condition.field.columns[0], condition.value.text
    if "\0" in text:
        return _turned(condition, NONE)  # no column holds one, and PostgreSQL refuses to look for it
    if meaning.wildcard(condition) is None:
        return _turned(condition, Q(**{column: text}))
    start = text.partition("*")[0]
    is_prefix = not text[len(start) :].strip("*")
    begins = Q(Exact(Left(column, len(start)), Value(start))) if start else EVERY
    if is_prefix and begins != EVERY:
        return _turned(condition, begins)
    return (EVERY if condition.operator == "!=" else begins), False


def _names(condition: Condition, now: datetime) -> tuple[Q, bool]:  # noqa: ARG001
    """One of a JSON list: its text holds the name as JSON writes it, but other texts may hold that too."""
    if condition.operator == "!=" or meaning.wildcard(condition) is not None:
        return EVERY, False
    written = json.dumps(condition.value.text, ensure_ascii=True)
    return Q(GreaterThan(StrIndex(F(condition.field.columns[0]), Value(written)), Value(0))), False


def _text(condition: Condition, now: datetime) -> tuple[Q, bool]:  # noqa: ARG001
    wanted = meaning.lowered(condition.value.text)
    if not wanted:
        return _turned(condition, Q(pk__isnull=False))
    if "\0" in wanted:
        return _turned(condition, NONE)
    found = NONE
    for column in condition.field.columns:
        place = StrIndex(AsciiLower(F(column)), Value(wanted), output_field=IntegerField())
        found |= Q(GreaterThan(place, Value(0)))
    return _turned(condition, found)


def _number(condition: Condition, now: datetime) -> tuple[Q, bool]:  # noqa: ARG001
    column, number = condition.field.columns[0], condition.value.number
    lookup = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}.get(condition.operator, "exact")
    found = Q(**{f"{column}__{lookup}": number})
    return (~found if condition.operator == "!=" else found), True


def _moment(condition: Condition, now: datetime) -> tuple[Q, bool]:
    when = condition.value.when
    if when is None:
        return NONE, True
    columns = condition.field.columns
    at: Expression | F = F(columns[0]) if len(columns) == 1 else Coalesce(*columns)
    start, end = values.bounds(condition.operator, when, now)
    found = EVERY
    if start is not None:
        found &= Q(GreaterThanOrEqual(at, Value(start)))
    if end is not None:
        found &= Q(LessThan(at, Value(end)))
    return found, True


def _flag(condition: Condition, now: datetime) -> tuple[Q, bool]:  # noqa: ARG001
    found = {
        "edited": Q(edits__gt=0),
        "back": ~Q(came_back_as=""),
        "duplicate": Q(maybe_duplicate_of__isnull=False),
        "noted": ~Q(note=""),
    }[condition.value.text]
    return _turned(condition, found)


def _table(condition: Condition, now: datetime) -> tuple[Q, bool]:
    """Inside JSON: that a header of the name is there at all can be told from the column's text."""
    del now
    if condition.field.columns[0] == "body":
        return EVERY, False
    name = json.dumps(condition.path[0], ensure_ascii=True)[1:-1]
    column = F(condition.field.columns[0])
    return Q(GreaterThan(StrIndex(column, Value(name)), Value(0))), False


def _turned(condition: Condition, found: Q) -> tuple[Q, bool]:
    if condition.operator != "!=":
        return found, True
    return (Q(pk__isnull=False) if found == NONE else ~found), True


_CONDITIONS = {
    "name": _name,
    "choice": _name,
    "names": _names,
    "text": _text,
    "number": _number,
    "moment": _moment,
    "flag": _flag,
    "table": _table,
}
