"""The newest records of several consumers: those of each by its own index, merged here.

No index has those of all consumers in one order, beside that of all ids. Where what is looked for is rare, a walk
by id passes millions that are not it; each consumer's own index begins with those that are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.sql.compiler import SQLCompiler

from consumers.models import Consumer, Record
from mqadmin.core.rights import asking

_LEAST = 50  # ids that are read of each consumer at first, beside its share of those wanted


class _Ids(Subquery):
    """Ids that a query finds for one consumer, in one text: "9,7,4", None without any."""

    output_field = TextField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        template = "(SELECT string_agg(found.id::text, ',') FROM (%(subquery)s) AS found)"
        return self.as_sql(compiler, connection, template)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        template = "(SELECT group_concat(found.id) FROM (%(subquery)s) AS found)"
        return self.as_sql(compiler, connection, template)


def newest(rows: QuerySet[Record], number: int, owners: Sequence[int]) -> list[int]:
    """Return the ids of the newest `number` of `rows` that the consumers `owners` (by id) handled, newest first.

    Reads some of each at first, and more of those only that may have more among them.
    """
    share = min(number, _LEAST + 2 * number // max(1, len(owners)))
    known: dict[int, list[int]] = {}
    unread = list(owners)
    while unread:
        known |= _of_each(rows, share, unread)
        unread = [owner for owner in unread if len(known[owner]) == share]
        # Below its oldest id that was read, a consumer may have more: above, all are known.
        floor = max((known[owner][-1] for owner in unread), default=0)
        if sum(found >= floor for ids in known.values() for found in ids) >= number:
            break
        share = min(number, share * 4)
    return sorted((found for ids in known.values() for found in ids), reverse=True)[:number]


def _of_each(rows: QuerySet[Record], number: int, owners: Sequence[int]) -> dict[int, list[int]]:
    one = rows.filter(consumer=OuterRef("pk")).order_by("-id").values("id")[:number]
    with asking.asks(None):  # `owners` are whose records may be seen
        found = Consumer.objects.filter(pk__in=owners).order_by().values_list("pk", _Ids(one))
        ids = {pk: sorted(map(int, text.split(",")), reverse=True) for pk, text in found if text}
    return {owner: ids.get(owner, []) for owner in owners}
