"""Which queues a text in the language of the queues' filter means: the one place that asks that language."""

from __future__ import annotations

from django.db.models import QuerySet

from mqadmin.queues.models import Queue
from mqadmin.queues.search import language


def fault(text: str) -> str:
    """Return what is wrong with a filter, "" for one that can be read."""
    try:
        language.read(text)
    except language.BadQuery as error:
        return str(error)
    return ""


def matching(text: str, rows: QuerySet[Queue]) -> QuerySet[Queue]:
    """Return those of `rows` that the filter means; all for "". Raises BadQuery of the language."""
    return language.read(text).apply(rows) if text.strip() else rows
