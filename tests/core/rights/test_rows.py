"""Rows of who asks: the same by SQL as by the rules; what may be seen but not changed is refused, not hidden."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from consumers.models import Consumer, Record
from mqadmin.core.models import Operation
from mqadmin.core.rights.asking import Asking, asks
from mqadmin.core.rights.rules import ALL, LEVELS, NOTHING, Needed, Rights, Rule
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Broker, Queue
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.any_version]

NAMES = ["orders", "Orders", "orders.dlq", "a[b]", "a?b", "a%b", "a_b", "a\\b", "axb", "ünï", "o*o"]
VHOSTS = ["/", "shop", "Shop"]
PATTERNS = [
    "*",
    "orders",
    "o*",
    "*.dlq",
    "a[b]",
    "a[*",
    "a?*",
    "a%*",
    "a_*",
    "a\\*",
    "*ï",
    "**b",
    "o*o",
    "shop",
    "/",
]

rules = st.builds(
    Rule,
    broker=st.sampled_from(["*", "prod", "p*", "test"]),
    vhost=st.sampled_from(["*", "/", "s*", "shop"]),
    queue=st.sampled_from(PATTERNS),
    level=st.sampled_from([1, 2, 3]),
)
layers = st.lists(st.lists(rules, max_size=3).map(tuple), min_size=1, max_size=2).map(tuple)


def asking(rights: Rights, needed: Needed = "view", name: str = "ann") -> Asking:
    return Asking(lambda: (name, rights), needed)


@pytest.fixture
def rows() -> list[Queue]:
    brokers = [Broker.objects.create(slug=slug) for slug in ("prod", "test")]
    made = [
        Queue(broker=broker, vhost=vhost, name=name)
        for broker in brokers
        for vhost in VHOSTS
        for name in NAMES
    ]
    Queue.objects.bulk_create(made)
    return list(Queue.objects.select_related("broker"))


@given(layers=layers, needed=st.sampled_from(list(LEVELS)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_gives_what_the_rules_give(
    rows: list[Queue], layers: tuple[tuple[Rule, ...], ...], needed: Needed
) -> None:
    rights = Rights(layers)
    # Who has the same of each thing, and too little, was turned away before.
    assume(not rights.is_plain or rights.everywhere >= LEVELS[needed])
    with asks(asking(rights, needed)):
        found = set(Queue.objects.values_list("pk", flat=True))
    expected = {
        row.pk for row in rows if rights.level(row.broker.slug, row.vhost, row.name) >= LEVELS[needed]
    }
    assert found == expected


def test_where_nobody_asks_nothing_is_limited(rows: list[Queue]) -> None:
    assert Queue.objects.count() == len(rows)
    with asks(asking(ALL)):
        assert Queue.objects.count() == len(rows)
        assert "GLOB" not in str(Queue.objects.all().query)
    with asks(asking(NOTHING)):
        assert not Queue.objects.exists()


def test_what_is_seen_but_not_theirs_to_change_is_refused(rows: list[Queue]) -> None:
    rights = Rights(((Rule("prod", "shop", "*", 1), Rule("prod", "shop", "orders", 2)),))
    theirs = Queue.objects.get(broker__slug="prod", vhost="shop", name="orders")
    seen = Queue.objects.get(broker__slug="prod", vhost="shop", name="axb")
    hidden = Queue.objects.get(broker__slug="test", vhost="shop", name="orders")
    with asks(asking(rights, "operate")):
        assert Queue.objects.get(pk=theirs.pk) == theirs
        with pytest.raises(PermissionDenied):
            Queue.objects.get(pk=seen.pk)
        with pytest.raises(Queue.DoesNotExist):
            Queue.objects.get(pk=hidden.pk)
    with asks(asking(rights)):
        assert Queue.objects.get(pk=seen.pk) == seen


def test_a_query_made_before_is_limited_too(rows: list[Queue]) -> None:
    who = asking(Rights(((Rule("prod", "shop", "orders", 1),),)))
    with asks(who):
        made = Queue.objects.order_by("name")
        assert [row.name for row in made] == ["orders"]
    who.becomes("bob", Rights(((Rule("prod", "shop", "a*", 1), Rule("prod", "/", "a%*", 1)),)))
    with asks(who):
        assert made.all().count() == 7


def test_changing_many_changes_theirs(rows: list[Queue]) -> None:
    with asks(asking(Rights(((Rule("prod", "shop", "o*", 2),),)), "operate")):
        assert Queue.objects.filter(broker__slug="prod").update(owner="ann") == 3
        assert Queue.objects.filter(broker__slug="test").delete()[0] == 0
    assert Queue.objects.filter(owner="ann").count() == 3


@pytest.fixture
def letters() -> Iterator[None]:
    letter(broker="prod", vhost="shop", dead_letter_queue="orders.dlq", source_queue="orders")
    letter(broker="prod", vhost="shop", dead_letter_queue="all.dlq", source_queue="orders")
    letter(broker="prod", vhost="shop", dead_letter_queue="all.dlq", source_queue="payments")
    return


@pytest.mark.usefixtures("letters")
def test_a_letter_is_of_the_queue_it_lies_in_and_of_the_one_it_comes_from() -> None:
    def found(queue: str) -> int:
        with asks(asking(Rights(((Rule("prod", "shop", queue, 1),),)))):
            return DeadLetter.objects.count()

    assert found("orders*") == 2
    assert found("all.dlq") == 2
    assert found("payments") == 1
    assert found("*.dlq") == 3


def test_records_are_of_their_consumer() -> None:
    theirs = make_record(make_consumer(name="theirs", broker="prod", vhost="shop", queue="orders"))
    make_record(make_consumer(name="others", broker="prod", vhost="shop", queue="payments"))
    other = Consumer.objects.get(name="others")
    with asks(asking(Rights(((Rule("prod", "shop", "orders", 1),),)))):
        assert list(Record.objects.values_list("pk", flat=True)) == [theirs.pk]
        assert list(theirs.consumer.handled.values_list("pk", flat=True)) == [theirs.pk]
        assert not other.handled.exists(), "nor by way of what it belongs to"


def test_what_somebody_began_is_theirs_to_see() -> None:
    mine = Operation.objects.create(kind="x", broker="prod", created_by="ann")
    Operation.objects.create(kind="x", broker="prod", created_by="bob")
    of_test = Operation.objects.create(kind="x", broker="test", created_by="bob")
    rights = Rights(((Rule("prod", "shop", "orders", 2), Rule("test", level=1)),))
    with asks(asking(rights)):
        assert set(Operation.objects.values_list("pk", flat=True)) == {mine.pk, of_test.pk}
    with asks(asking(rights.limited(Rule()))):  # by a token
        assert set(Operation.objects.values_list("pk", flat=True)) == {of_test.pk}
