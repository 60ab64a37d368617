"""What 100 rows of a list cost to render: queues, letters, records, consumers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

ROWS = 100
_TIMES = 7


def rendered(vhost: str, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Make letters, records and consumers; return the milliseconds for 100 rows of each list, medians.

    Timed is what `{% listing %}` does, its rows read beforehand, nothing of them remembered.
    """
    from django.contrib.auth.models import User
    from django.test import Client

    from benchmarks.dashboard import BenchmarkError

    name = _fill(vhost)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="bench"))
    pages = {
        "queues": ("/queues/", {"per": ROWS}),
        "letters": ("/dead-letters/", {"status": "parked"}),
        "records": (f"/consumers/{name}/records/", {}),
        "consumers": ("/consumers/", {}),
    }
    found = {}
    for kind, (path, query) in pages.items():
        times = []
        for _round in range(_TIMES):
            with _timed(clock) as spent:
                response = client.get(path, query)
            if response.status_code != 200 or spent.get("rows", 0) < ROWS // 2:
                raise BenchmarkError(f"{path}: {response.status_code}, {spent} rows")
            times.append(spent["ms"] / spent["rows"] * ROWS)
        found[kind] = statistics.median(times)
    return found


@contextmanager
def _timed(clock: Callable[[], float]) -> Iterator[dict[str, float]]:
    """Collect the time of the longest listing that is rendered within."""
    from mqadmin.core.pages import rows_seen
    from mqadmin.core.templatetags import tables

    spent: dict[str, float] = {}
    plain = tables.ListingNode.render

    def render(node: Any, context: Any) -> Any:
        rows = node.items.resolve(context) or ()
        items = list(rows)
        if hasattr(rows, "prepare"):  # what it reads is read beforehand
            there = rows.prepare(items)
            rows.prepare = lambda _missing: there
        began = clock()
        made = plain(node, context)
        took = (clock() - began) * 1000
        if len(items) > spent.get("rows", 0):
            spent.update(rows=len(items), ms=took)
        return made

    rows_seen.forget()
    tables.ListingNode.render = render  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        tables.ListingNode.render = plain  # type: ignore[method-assign]


def _fill(vhost: str) -> str:
    """Store a hundred of each; return the name of the consumer that has the records."""
    from django.utils import timezone

    from consumers.models import Consumer, Record
    from tests.deadletters.factories import died, letter

    for number in range(ROWS):
        body = b'{"order": {"id": %d, "total": 12}}' % number
        error = {"type": "shop.errors.Declined", "message": f"card {number} was declined"}
        letter(body, queue=f"dlx.{number % 10}", headers=died(**error), message_id=f"ord-{number}")
    Consumer.objects.bulk_create(
        Consumer(
            name=f"bench-{number}", broker="default", vhost=vhost, queue="app.00003.busy", handler="sleep"
        )
        for number in range(ROWS)
    )
    first = Consumer.objects.get(name="bench-0")
    now = timezone.now()
    Record.objects.bulk_create(
        Record(
            consumer=first,
            queue=first.queue,
            routing_key="order.created",
            message_id=f"ord-{number}",
            outcome="acked" if number % 4 else "dead_lettered",
            error_type="" if number % 4 else "shop.errors.Declined",
            error="" if number % 4 else f"card {number} was declined",
            started_at=now - timedelta(seconds=number),
            duration_ms=12.5,
            size=250,
        )
        for number in range(ROWS)
    )
    return first.name
