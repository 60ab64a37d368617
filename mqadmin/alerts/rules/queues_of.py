"""Which queues a text in the language of the queues' filter means: the one place that asks that language.

Where this version has no such language, each word is looked for in the names.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from django.db.models import QuerySet

from mqadmin.queues.models import Queue

_ROOM = "mqadmin.queues.search"
_LANGUAGE: Any = import_module(f"{_ROOM}.language") if find_spec(_ROOM) is not None else None


def fault(text: str) -> str:
    """Return what is wrong with a filter, "" for one that can be read."""
    if _LANGUAGE is None:
        return "" if all(word.isprintable() for word in text.split()) else "It holds signs that do not print."
    try:
        _LANGUAGE.read(text)
    except _LANGUAGE.BadQuery as error:
        return str(error)
    return ""


def matching(text: str, rows: QuerySet[Queue]) -> QuerySet[Queue]:
    """Return those of `rows` that the filter means; all for "". Raises BadQuery of the language."""
    if not text.strip():
        return rows
    if _LANGUAGE is not None:
        return cast("QuerySet[Queue]", _LANGUAGE.read(text).apply(rows))
    for word in text.split():
        rows = rows.filter(name__icontains=word)
    return rows
