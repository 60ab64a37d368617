"""The newest records of several consumers: found by the index of each, whatever lies between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from consumers.models import Consumer, Record
from consumers.records import finding, merging
from consumers.records.finding import RecordSearch
from mqadmin.core.api.paging import paginate
from mqadmin.core.rights import asking
from mqadmin.core.rights.rules import Rule
from tests.support import teams
from tests.support.consumers import make_consumer, make_record

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> list[Record]:
    """Twelve records of three consumers, of which each third failed, and one of a consumer that was deleted."""
    consumers = [make_consumer(name=f"orders-{number}", vhost=f"v{number}") for number in range(3)]
    outcomes = ("acked", "acked", "dead_lettered")
    records = [make_record(consumers[n // 2 % 3], outcome=outcomes[n % 3]) for n in range(12)]
    gone = make_consumer()
    make_record(gone, outcome="dead_lettered")
    Consumer.objects.filter(pk=gone.pk).delete()
    return records


def walked(wanted: RecordSearch, *, limit: int) -> tuple[list[int], set[int | None]]:
    """Return the ids of all pages, as the API's list gives them, and what each said of the total."""
    found, seen, totals, cursor = finding.find(wanted), [], set(), None
    while True:
        page = paginate(found.rows, limit=limit, cursor=cursor, narrow=found.narrow)
        seen += [record.pk for record in page["items"]]
        totals.add(page["total"])
        cursor = page["next"]
        if not cursor:
            return seen, totals


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize("least", [1, 50])
@pytest.mark.parametrize("outcome", ["acked", "dead_lettered", "timed_out"])
def test_pages_of_an_outcome_have_all_of_it(
    made: list[Record], monkeypatch: pytest.MonkeyPatch, limit: int, least: int, outcome: str
) -> None:
    monkeypatch.setattr(merging, "_LEAST", least - 1)
    wanted = [record.pk for record in reversed(made) if record.outcome == outcome]
    assert walked(RecordSearch(outcome), limit=limit) == (wanted, {len(wanted)})


def test_of_one_that_has_nearly_all_more_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "_LEAST", 0)
    busy, others = make_consumer(), [make_consumer() for _number in range(8)]
    old = [make_record(other).pk for other in others]
    new = [make_record(busy).pk for _number in range(10)]
    owners = [busy.pk, *(other.pk for other in others)]
    assert merging.newest(Record.objects.all(), 12, owners) == [*new[::-1], *old[:-3:-1]]
    assert merging.newest(Record.objects.all(), 9, owners[1:]) == old[::-1]
    assert merging.newest(Record.objects.all(), 9, []) == []


def test_a_text_is_looked_for_among_the_newest_of_the_outcome(
    made: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = [record.pk for record in made if record.outcome == "dead_lettered"]
    Record.objects.filter(pk__in=failed).update(detail="a needle")
    Record.objects.filter(outcome="acked").update(detail="another needle")
    monkeypatch.setattr(finding, "SEARCHED", 3)
    assert walked(RecordSearch("dead_lettered", q="NEEDLE"), limit=2)[0] == failed[:-4:-1]
    assert walked(RecordSearch("dead_lettered", q=made[2].message_id), limit=2)[0] == [made[2].pk]


def test_what_was_never_acked_is_found_too(made: list[Record]) -> None:
    Record.objects.filter(pk__in=[made[0].pk, made[7].pk]).update(ack_lost="gone")
    assert walked(RecordSearch(ack_lost=True), limit=1) == ([made[7].pk, made[0].pk], {2})


def test_times_are_kept_to(made: list[Record]) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    Record.objects.filter(pk__lte=made[5].pk).update(started_at=long_ago)
    since = RecordSearch("dead_lettered", since=timezone.now() - timedelta(days=1))
    assert walked(since, limit=1)[0] == [made[11].pk, made[8].pk]


def test_who_may_see_one_consumer_gets_its_records(made: list[Record]) -> None:
    mine = [record.pk for record in reversed(made) if record.consumer.name == "orders-1"]
    with asking.asks(teams.asking(Rule("default", "v1", "*", 1))):
        assert walked(RecordSearch(), limit=3) == (mine, {len(mine)})
        assert set(walked(RecordSearch("dead_lettered"), limit=3)[0]) < set(mine)


@pytest.fixture
def plans() -> Iterator[Any]:
    """What SQLite does for each statement."""

    def told() -> list[str]:
        found = []
        with connection.cursor() as cursor:
            for query in captured.captured_queries:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                found += [row[3] for row in cursor.fetchall()]
        return found

    with CaptureQueriesContext(connection) as captured:
        yield told


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads small tables as a whole")
@pytest.mark.parametrize(
    "wanted", [RecordSearch("timed_out"), RecordSearch("timed_out", q="x"), RecordSearch(ack_lost=True)]
)
def test_nothing_reads_all_records(made: list[Record], plans: Any, wanted: RecordSearch) -> None:
    walked(wanted, limit=2)
    read = [plan for plan in plans() if "consumers_record" in plan or "U0" in plan]
    assert read
    assert not [plan for plan in read if plan.startswith("SCAN")]
