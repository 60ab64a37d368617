"""Which queues a text in the language of the queues' filter means: the one place that knows that language."""

from __future__ import annotations

from django.db.models import QuerySet

from mqadmin.queues.models import Queue


def fault(text: str) -> str:
    """Return what is wrong with a filter, "" for one that can be read."""
    return "" if all(word.isprintable() for word in text.split()) else "It holds signs that do not print."


def matching(text: str, rows: QuerySet[Queue]) -> QuerySet[Queue]:
    """Return those of `rows` that the filter means; all for ""."""
    for word in text.split():
        rows = rows.filter(name__icontains=word)
    return rows
