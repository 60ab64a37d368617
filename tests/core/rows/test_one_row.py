"""A row that is read by a query made once is the row as it is now."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mqadmin.core.rows.one_row import OneRow
from mqadmin.queues.models import Broker

pytestmark = pytest.mark.django_db


def test_the_row_as_it_is_now() -> None:
    rows = OneRow(lambda slug: Broker.objects.filter(slug=slug).defer("history"))
    assert rows.get("orders") is None
    made = Broker.objects.create(slug="orders", totals={"ready": 3}, history={"ready": [[1, 2.0]]})
    Broker.objects.create(slug='it\'s "%s"')
    found = rows.get("orders")
    assert found is not None
    assert found == made
    assert found.totals == {"ready": 3}
    assert found.get_deferred_fields() == {"history"}
    assert found.history == {"ready": [[1, 2.0]]}
    Broker.objects.update(totals={"ready": 4})
    assert rows.get("orders").totals == {"ready": 4}  # type: ignore[union-attr]
    assert rows.get('it\'s "%s"').slug == 'it\'s "%s"'  # type: ignore[union-attr]
    with CaptureQueriesContext(connection) as queries:
        rows.get("orders")
    assert len(queries) == 1


def test_a_query_with_another_parameter_is_refused() -> None:
    rows = OneRow(lambda slug: Broker.objects.filter(slug=slug, version="4"))
    with pytest.raises(AssertionError):
        rows.get("orders")
