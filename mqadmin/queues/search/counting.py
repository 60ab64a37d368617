"""How many queues each of many searches finds, by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from mqadmin.core.query.syntax import BadQuery
from mqadmin.queues.models import Queue
from mqadmin.queues.search import compiling, language, matching


def counts(searches: Sequence[str], rows: QuerySet[Queue]) -> list[int | BadQuery]:
    """Return how many of `rows` each search finds, or what is wrong with it.

    One statement, and one read of names for all that have a pattern.
    """
    moment = timezone.now()
    known: dict[str, list[tuple[int, Any]]] = {}

    def look(leaf: matching.Leaf) -> Q:
        column = matching.column_of(leaf)
        if column not in known:
            known[column] = list(matching.read(rows, column))
        return matching.within(known[column], leaf)

    found: list[int | BadQuery] = []
    wanted = {}
    for place, text in enumerate(searches):
        try:
            where = compiling.condition(language.read(text).node, moment, look)
            wanted[f"n{place}"] = Count("pk", filter=where if where else Q(pk__isnull=False))
            found.append(0)
        except BadQuery as error:
            found.append(error)
    numbers = rows.order_by().aggregate(**wanted) if wanted else {}
    return [numbers.get(f"n{place}", item) for place, item in enumerate(found)]
