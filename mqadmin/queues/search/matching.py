"""Names that the database must not look through: patterns of strangers, and stars. RE2 does, within a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from mqadmin.core.query.syntax import BadQuery, Condition, Words
from mqadmin.core.rows.among import among
from mqadmin.queues.models import Queue
from mqadmin.queues.search import patterns

Leaf = Words | Condition


def needed(leaf: Leaf) -> bool:
    """Whether `leaf` is looked for here."""
    if isinstance(leaf, Words):
        return leaf.is_pattern
    return leaf.value.is_pattern or (stars(leaf) and prefix(leaf) is None)


def stars(condition: Condition) -> bool:
    """Whether `*` stands for any characters in the value of a condition."""
    value = condition.value
    return (
        condition.field.kind in ("name", "names")
        and not value.is_quoted
        and condition.operator != "="
        and "*" in value.text
    )


def prefix(condition: Condition) -> str | None:
    """Return what the text begins with, where a star at its end is all that is asked: the database answers that."""
    text = condition.value.text.rstrip("*")
    is_prefix = condition.field.kind == "name" and stars(condition) and bool(text) and "*" not in text
    return text if is_prefix else None


def found(rows: QuerySet[Queue], leaf: Leaf) -> Q:
    """Return the condition that a row is one of those among `rows` that `leaf` asks for.

    One read of names. Raises BadQuery for a pattern that is not valid, or takes too long on so many.
    """
    return within(read(rows, column_of(leaf)), leaf)


def column_of(leaf: Leaf) -> str:
    """Return the column that `leaf` looks at."""
    return "name" if isinstance(leaf, Words) else leaf.field.columns[0]


def read(rows: QuerySet[Queue], column: str) -> Iterable[tuple[int, Any]]:
    """Yield the id and the value of `column` of each row."""
    return rows.order_by().values_list("pk", column).iterator(chunk_size=2_000)


def within(values: Iterable[tuple[int, Any]], leaf: Leaf) -> Q:
    """Return the condition that a row is one of those whose value `leaf` asks for. Raises BadQuery."""
    ids, texts = [], []
    for pk, value in values:
        for text in _texts(value):
            ids.append(pk)
            texts.append(text)
    try:
        pattern = _pattern(leaf)
        matches = list(patterns.matching(pattern, texts))
    except patterns.BadPattern as error:
        raise BadQuery(str(error), leaf.start, leaf.end) from error
    return among([pk for pk, matched in zip(ids, matches, strict=True) if matched])


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    items: Sequence[Any] = value if isinstance(value, list) else ()
    return [str(item.get("code", "")) for item in items if isinstance(item, dict)]


def _pattern(leaf: Leaf) -> patterns.Pattern:
    if isinstance(leaf, Words):
        return patterns.compiled(leaf.text)
    if leaf.value.is_pattern:
        return patterns.compiled(leaf.value.text)
    parts = (re.escape(part) for part in re.split(r"\*+", leaf.value.text))
    return patterns.compiled(f"(?s-i)\\A{'.*'.join(parts)}\\z")


def check(leaf: Leaf) -> None:
    """Raise BadQuery for a pattern that is not valid."""
    try:
        _pattern(leaf)
    except patterns.BadPattern as error:
        raise BadQuery(str(error), leaf.start, leaf.end) from error
