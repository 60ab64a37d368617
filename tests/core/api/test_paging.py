"""Keyset pages: every row once, in order, whatever happens between two pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mqadmin.core.api.paging import paginate
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry

ORDERS = [("-id",), ("at", "pk"), ("-count",), ("count", "-actor"), ("actor", "-count"), ("-finished_at",)]


@pytest.fixture
def rows(db: None) -> list[AuditEntry]:
    now = timezone.now()
    made = [
        AuditEntry(
            actor="abc"[number % 3],
            action="x",
            count=None if number % 4 == 0 else number % 5,
            finished_at=None if number % 3 == 0 else now + timedelta(microseconds=number % 4),
        )
        for number in range(23)
    ]
    return AuditEntry.objects.bulk_create(made)


@pytest.mark.parametrize("order", ORDERS)
def test_walking_sees_every_row_once(rows: list[AuditEntry], order: tuple[str, ...]) -> None:
    seen: list[int] = []
    cursor, rounds = None, 0
    while True:
        page = paginate(AuditEntry.objects.all(), limit=4, cursor=cursor, order=order)
        assert page["total"] == 23
        seen += [row.pk for row in page["items"]]
        cursor, rounds = page["next"], rounds + 1
        if cursor is None:
            break
    assert sorted(seen) == sorted(row.pk for row in rows)
    assert rounds == 6
    whole = paginate(AuditEntry.objects.all(), limit=100, order=order)
    assert [row.pk for row in whole["items"]] == seen


def test_a_row_added_meanwhile_repeats_and_hides_nothing(rows: list[AuditEntry]) -> None:
    first = paginate(AuditEntry.objects.all(), limit=10)
    AuditEntry.objects.create(actor="new", action="x")
    second = paginate(AuditEntry.objects.all(), limit=50, cursor=first["next"])
    ids = [row.pk for row in first["items"] + second["items"]]
    assert ids == sorted((row.pk for row in rows), reverse=True)


@pytest.mark.parametrize("cursor", ["x", "!!", "eyJhIjoxfQ", "W10", "a" * 5000])
def test_a_cursor_that_is_none_is_refused(rows: list[AuditEntry], cursor: str) -> None:
    with pytest.raises(Refusal, match="another list") as caught:
        paginate(AuditEntry.objects.all(), cursor=cursor)
    assert (caught.value.status, caught.value.code) == (400, "bad_cursor")


def test_a_cursor_of_another_order_is_refused(rows: list[AuditEntry]) -> None:
    cursor = paginate(AuditEntry.objects.all(), limit=2, order=("actor",))["next"]
    with pytest.raises(Refusal):
        paginate(AuditEntry.objects.all(), cursor=cursor, order=("-id",))


def test_the_limit_is_clipped(rows: list[AuditEntry]) -> None:
    assert len(paginate(AuditEntry.objects.all(), limit=0)["items"]) == 1
    assert len(paginate(AuditEntry.objects.all(), limit=10**9)["items"]) == 23


def ordered_by(order: tuple[str, ...]) -> str:
    """Return what the page's one query with rows orders by."""
    with CaptureQueriesContext(connection) as done:
        paginate(AuditEntry.objects.all(), limit=2, order=order)
    (found,) = [query["sql"] for query in done if "ORDER BY" in query["sql"]]
    return re.sub(r'"\w+"\."(\w+)"', r"\1", found.split("ORDER BY ")[1].split(" LIMIT")[0])


@pytest.mark.parametrize(
    ("order", "sql"),
    [
        (("-id",), "id DESC"),
        (("at",), "at ASC, id ASC"),
        (("-actor", "-count"), "actor DESC, count DESC NULLS LAST, id DESC"),
        (("finished_at",), "finished_at ASC NULLS LAST, id ASC"),
    ],
)
def test_only_columns_that_can_be_null_are_sorted_with_nulls_last(
    rows: list[AuditEntry], order: tuple[str, ...], sql: str
) -> None:
    assert ordered_by(order) == sql
