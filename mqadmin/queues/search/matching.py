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
    return leaf.value.is_pattern or stars(leaf)


def stars(condition: Condition) -> bool:
    """Whether `*` stands for any characters in the value of a condition."""
    value = condition.value
    return (
        condition.field.kind in ("name", "names")
        and not value.is_quoted
        and condition.operator != "="
        and "*" in value.text
    )


def found(rows: QuerySet[Queue], leaf: Leaf) -> Q:
    """Return the condition that a row is one of those among `rows` that `leaf` asks for.

    One read of names. Raises BadQuery for a pattern that is not valid, or takes too long on so many.
    """
    column = "name" if isinstance(leaf, Words) else leaf.field.columns[0]
    ids, texts = [], []
    for pk, value in rows.order_by().values_list("pk", column).iterator(chunk_size=2_000):
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
