"""What is read by a query made once is what is there now."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from mqadmin.core.rows.prepared import Prepared
from mqadmin.queues.models import Broker

pytestmark = pytest.mark.django_db


def test_the_row_as_it_is_now() -> None:
    rows: Prepared[Broker] = Prepared(lambda slug: Broker.objects.filter(slug=slug).defer("history"))
    assert rows.objects("orders") == []
    made = Broker.objects.create(slug="orders", totals={"ready": 3}, history={"ready": [[1, 2.0]]})
    Broker.objects.create(slug='it\'s "%s"')
    (found,) = rows.objects("orders")
    assert found == made
    assert found.totals == {"ready": 3}
    assert found.get_deferred_fields() == {"history"}
    assert found.history == {"ready": [[1, 2.0]]}
    Broker.objects.update(totals={"ready": 4})
    assert rows.objects("orders")[0].totals == {"ready": 4}
    assert rows.objects('it\'s "%s"')[0].slug == 'it\'s "%s"'
    with CaptureQueriesContext(connection) as queries:
        rows.objects("orders")
    assert len(queries) == 1


def test_columns_are_what_django_makes_of_them() -> None:
    def wanted(slug: str, version: str) -> object:
        known = Broker.objects.exclude(slug=slug).filter(version=version, queue_count=7).order_by("slug")
        return known.values_list("slug", "totals", "reachable", "sampled_at")

    rows: Prepared[Broker] = Prepared(wanted)  # type: ignore[arg-type]
    for slug in ("a", "b", "c"):
        Broker.objects.create(slug=slug, version="4", queue_count=7, totals={"ready": 3}, reachable=True)
    Broker.objects.create(slug="d", version="3", queue_count=7)
    Broker.objects.filter(slug="c").update(sampled_at="2026-01-02T03:04:05Z")
    for texts in (("b", "4"), ("a", "4"), ("4", "3"), ("%s", "")):
        assert [tuple(row) for row in rows.rows(*texts)] == list(wanted(*texts))  # type: ignore[call-overload]


def test_a_count() -> None:
    counts: Prepared[Broker] = Prepared(
        lambda version: Broker.objects.filter(version=version).values_list("version").annotate(n=Count("pk"))
    )
    assert counts.rows("4") == []
    Broker.objects.create(slug="a", version="4")
    assert [tuple(row) for row in counts.rows("4")] == [("4", 1)]
