"""What could be typed next into the search of queues: names that queues of the broker have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from mqadmin.core import brokers
from mqadmin.core.query import completing
from mqadmin.core.query.completing import Offers
from mqadmin.core.query.fields import Field
from mqadmin.queues.models import Queue
from mqadmin.queues.search import fields

MOST_ROWS = 2_000  # whose reasons are looked at
SPANS = ("1m", "5m", "15m", "1h", "6h", "1d")


def offers(broker: str, query: str, at: int) -> Offers:
    """Return what the word before the cursor `at` could become. `broker`: a slug, or `brokers.EVERY`.

    A bounded read of the database.
    """
    return completing.offers(query, at, fields.QUEUES, _Queues(broker))


@dataclass(frozen=True)
class _Queues:
    broker: str

    def values(self, field: Field, path: str) -> Iterable[str]:  # noqa: ARG002
        slugs = brokers.within(self.broker)
        rows = Queue.objects.filter(broker__slug__in=slugs, gone_at__isnull=True).order_by()
        if field.kind == "span":
            return SPANS
        if field.name == "reason":
            told = rows.exclude(health_rank__lt=2).values_list("health_reasons", flat=True)[:MOST_ROWS]
            return dict.fromkeys(reason["code"] for reasons in told for reason in reasons)
        if field.kind == "name":
            column = field.columns[0]
            found = rows.values_list(column, flat=True).distinct().order_by(column)
            return [value for value in islice(found, MOST_ROWS) if value]
        return ()

    def paths(self, field: Field) -> Iterable[str]:  # noqa: ARG002
        return ()
