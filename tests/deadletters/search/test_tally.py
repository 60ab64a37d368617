"""What the database counts is what there is, whatever was done to the letters."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.inbox import inbox
from mqadmin.deadletters.models import CauseNote, DeadLetter, Tally
from mqadmin.deadletters.search import tally
from mqadmin.deadletters.search.selection import Filter
from tests.deadletters.conftest import BY
from tests.deadletters.factories import died, letter

pytestmark = pytest.mark.django_db

STATUSES = list(DeadLetter.Status.values)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["add", "orm", "status", "delete", "back", "note", "save"]),
        st.integers(0, 4),
        st.integers(0, 3),
    ),
    max_size=12,
)


def kept() -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for row in Tally.objects.values_list(*tally.KEYS, "letters", "back"):
        found[(*row[:-2], "letters")] += row[-2]
        found[(*row[:-2], "back")] += row[-1]
    return Counter({key: count for key, count in found.items() if count})


def real() -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for row in DeadLetter.objects.values_list(*tally.KEYS, "came_back_as"):
        found[(*row[:-1], "letters")] += 1
        found[(*row[:-1], "back")] += bool(row[-1])
    return Counter({key: count for key, count in found.items() if count})


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(acts=ACTS)
def test_counts_follow_every_change(acts: list[tuple[str, int, int]]) -> None:
    for act, number, other in acts:
        rows = DeadLetter.objects.filter(source_queue=f"q{number}")
        match act:
            case "add":
                letter(headers=died(f"q{number}"))
            case "orm":
                first = DeadLetter.objects.first()
                if first is not None:
                    first.pk, first.source_queue = None, f"q{number}"
                    first.save(force_insert=True)
            case "status":
                rows.update(status=STATUSES[other])
            case "delete":
                rows.delete()
            case "back":
                rows.update(came_back_as="x" * other)
            case "note":
                rows.update(note="seen")
            case "save":
                for row in rows[:1]:
                    row.status = STATUSES[other]
                    row.save()
    assert kept() == real()


def test_a_lost_trigger_is_made_again_and_all_is_counted_anew() -> None:
    letter()
    with connection.cursor() as cursor:
        on = "" if connection.vendor == "sqlite" else " ON deadletters_deadletter"
        cursor.execute(f"DROP TRIGGER letter_tally_update{on}")
    DeadLetter.objects.update(status="discarded")
    assert kept() != real()
    tally.install()
    assert kept() == real()
    letter()
    assert kept() == real()


def test_causes_that_are_counted_are_those_that_are_looked_up() -> None:
    """Two ways to one answer: from the counts, and (for a search) from the letters themselves."""
    for number in range(7):
        kind = "A" if number % 3 else "B"
        letter(headers=died("orders", type=f"shop.{kind}", message=f"no {number}"))
    again = DeadLetter.objects.filter(error_type="shop.A").earliest("pk")
    DeadLetter.objects.filter(pk=again.pk).update(came_back_as="x")
    letter(headers=died("mails", "expired"), status="discarded")
    since = datetime(2020, 1, 1, tzinfo=UTC)
    for wanted in ({"status": "parked"}, {"source": "orders"}, {"reason": "expired"}, {}, {"vhost": "none"}):
        counted = Filter("default", **wanted)  # type: ignore[arg-type]
        looked_up = Filter("default", since=since, **wanted)  # type: ignore[arg-type]
        assert counted.columns is not None
        assert looked_up.columns is None
        one, other = inbox.causes(counted), inbox.causes(looked_up)
        assert {cause.group: cause for cause in one} == {cause.group: cause for cause in other}
    first = inbox.causes(Filter("default", status="parked"))[0]
    assert (first.count, first.came_back, first.error_type) == (4, 1, "shop.A")
    CauseNote.objects.create(broker="default", group=first.group, owner="ann", by="ann")
    assert inbox.causes(Filter("default", status="parked"))[0].owner == "ann"


@pytest.mark.parametrize(
    ("query", "status", "counted"),
    [
        ("", "parked", True),
        ("source:orders", "parked", True),
        ("source:orders reason:error", "", True),
        ("status:parked", "parked", True),
        ("status:discarded", "parked", False),
        ("source:orders source:mails", "", False),
        ("-source:orders", "", False),
        ("source:ord*", "", False),
        ("source:orders word", "", False),
        ("source:orders or source:mails", "", False),
    ],
)
def test_a_query_of_columns_is_counted_too(query: str, status: str, counted: bool) -> None:
    letter(headers=died("orders", message="no word"))
    letter(headers=died("mails"))
    letter(headers=died("orders"), status="discarded")
    wanted = Filter("default", status=status, q=query)
    assert (wanted.columns is not None) == counted
    if wanted.columns is not None:
        assert tally.total(wanted.columns) == wanted.rows().count()
        assert {cause.group: cause.count for cause in inbox.causes(wanted)} == {
            group: wanted.rows().filter(group=group).count()
            for group in wanted.rows().order_by().values_list("group", flat=True).distinct()
        }


@pytest.mark.django_db(transaction=True)
def test_a_cause_has_an_owner_beside_its_note() -> None:
    one = letter()
    editing.own_cause(broker="default", group=one.group, owner="ann", by=BY)
    for text in ("known", ""):
        editing.note_cause(broker="default", group=one.group, text=text, by=BY)
    assert inbox.causes(Filter("default"))[0].owner == "ann"
    editing.own_cause(broker="default", group=one.group, owner="", by=BY)
    assert not CauseNote.objects.exists()
    with pytest.raises(Refusal):
        editing.own_cause(broker="default", group="none", owner="ann", by=BY)
