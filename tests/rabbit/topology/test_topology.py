from __future__ import annotations

from typing import Any

import pytest

from mqadmin.rabbit.topology.routing import topic_matches
from mqadmin.rabbit.topology.topology import DeadLetterMap, dead_letter_map
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, QueueInfo
from tests.support.growth import processor_seconds


def queue(name: str, dlx: str | None = None, key: str | None = None, **more: Any) -> QueueInfo:
    arguments = dict(more.pop("arguments", {}))
    if dlx is not None:
        arguments["x-dead-letter-exchange"] = dlx
    if key is not None:
        arguments["x-dead-letter-routing-key"] = key
    return QueueInfo(vhost=more.pop("vhost", "/"), name=name, type="classic", arguments=arguments, **more)


def exchange(name: str, type: str = "direct", alternate: str | None = None, **arguments: str) -> ExchangeInfo:
    return ExchangeInfo("/", name, type, alternate_exchange=alternate, arguments=arguments)


def bind(source: str, destination: str, key: str = "", kind: str = "queue", **arguments: Any) -> BindingInfo:
    return BindingInfo("/", source, destination, kind, key, arguments)


def work_out(queues: list[QueueInfo], bindings: list[BindingInfo], *exchanges: ExchangeInfo) -> DeadLetterMap:
    return dead_letter_map(queues, bindings, exchanges)


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("*", "", False),
        ("*", "a", True),
        ("#", "", True),
        ("#", "a.b.c", True),
        ("", "", True),
        ("", "a", False),
        ("a.#", "a", True),
        ("a.#", "a.b.c", True),
        ("a.#", "ab", False),
        ("#.b", "b", True),
        ("#.b", "a.c.b", True),
        ("#.b", "a.b.c", False),
        ("a.#.c", "a.c", True),
        ("a.#.c", "a.x.y.c", True),
        ("a.#.c", "a.x.y", False),
        ("#.*", "a", True),
        ("#.*", "", False),
        ("*.#.*", "a", False),
        ("*.#.*", "a.b", True),
        ("#.#", "", True),
        ("a.*", "a.", True),
        ("ord*", "order", False),
    ],
)
def test_topic_patterns(pattern: str, key: str, matches: bool) -> None:
    assert topic_matches(pattern, key) is matches


def test_default_exchange_with_a_key_is_the_queue_of_that_name() -> None:
    found = work_out([queue("a", "", "dlq"), queue("dlq")], [])
    assert found["/", "a"].to == ("dlq",)
    assert found["/", "a"].certain
    assert found["/", "dlq"].from_ == ("a",)
    assert found["/", "dlq"].is_inbox
    assert found["/", "dlq"].exchange is None
    assert found.inboxes() == [("/", "dlq")]


def test_default_exchange_without_a_key_leads_nobody_knows_where() -> None:
    target = work_out([queue("a", "")], [])["/", "a"]
    assert (target.to, target.certain, target.broken) == ((), False, None)


@pytest.mark.parametrize(
    ("kind", "key", "to", "choice"),
    [
        ("direct", "k", ("one",), "all"),
        ("direct", None, ("one", "two"), "matching"),
        ("topic", "k", ("one", "two"), "all"),
        ("topic", None, ("one", "two"), "matching"),
        ("fanout", "k", ("one", "two"), "all"),
        ("fanout", None, ("one", "two"), "all"),
        ("headers", "k", ("one", "two"), "matching"),
        ("x-consistent-hash", "k", ("one", "two"), "one"),
        ("x-modulus-hash", None, ("one", "two"), "one"),
        ("x-random", None, ("one", "two"), "one"),
        ("x-recent-history", None, ("one", "two"), "all"),
        ("x-of-a-plugin", "k", ("one", "two"), "some"),
    ],
)
def test_exchange_types(kind: str, key: str | None, to: tuple[str, ...], choice: str) -> None:
    """What `test_choices` tries on a broker, and the types that only plugins have (tried on 3.10.8)."""
    found = work_out(
        [queue("a", "dlx", key), queue("one"), queue("two")],
        [bind("dlx", "one", "k", a=1), bind("dlx", "two", "#", b=2)],
        exchange("dlx", kind),
    )
    assert (found["/", "a"].to, found["/", "a"].choice) == (to, choice)
    assert found["/", "a"].certain == (choice == "all")


def test_a_hash_of_one_queue_is_no_choice_and_one_of_exchanges_is_not_known() -> None:
    exchanges = (
        exchange("hash", "x-consistent-hash"),
        exchange("many", "x-consistent-hash"),
        exchange("f", "fanout"),
    )
    bindings = [bind("hash", "one", "1"), bind("hash", "one", "2"), bind("many", "f", "1", "exchange")]
    bindings += [bind("many", "two", "1"), bind("f", "one"), bind("f", "three")]
    queues = [queue("a", "hash"), queue("b", "many"), queue("one"), queue("two"), queue("three")]
    found = work_out(queues, bindings, *exchanges)
    assert (found["/", "a"].to, found["/", "a"].choice) == (("one",), "all")
    assert (found["/", "b"].to, found["/", "b"].choice) == (("one", "three", "two"), "some")


def test_a_delayed_exchange_routes_as_the_type_in_its_argument() -> None:
    delayed = exchange("dlx", "x-delayed-message", **{"x-delayed-type": "direct"})
    found = work_out(
        [queue("a", "dlx", "k"), queue("one"), queue("two")],
        [bind("dlx", "one", "k"), bind("dlx", "two")],
        delayed,
    )
    assert found["/", "a"].to == ("one",)
    assert found["/", "a"].certain


@pytest.mark.parametrize(
    ("exchanges", "bindings", "broken"),
    [
        ([], [], "exchange_missing"),
        ([exchange("dlx")], [], "routes_nowhere"),
        ([exchange("dlx")], [bind("dlx", "q", "other")], "routes_nowhere"),
        ([exchange("dlx", alternate="gone")], [], "routes_nowhere"),
        ([exchange("dlx", "fanout")], [bind("dlx", "q")], None),
        ([exchange("dlx", alternate="ae"), exchange("ae", "fanout")], [bind("ae", "q")], None),
    ],
)
def test_lost_letters_are_seen(
    exchanges: list[ExchangeInfo], bindings: list[BindingInfo], broken: str | None
) -> None:
    assert work_out([queue("a", "dlx", "k"), queue("q")], bindings, *exchanges)["/", "a"].broken == broken


def test_default_exchange_with_a_missing_queue_routes_nowhere() -> None:
    assert work_out([queue("a", "", "gone")], [])["/", "a"].broken == "routes_nowhere"


def test_the_alternate_exchange_gets_only_what_found_no_binding() -> None:
    exchanges = exchange("dlx", alternate="ae"), exchange("ae", "fanout")
    bindings = [bind("dlx", "one", "k"), bind("ae", "two")]
    found = work_out(
        [queue("a", "dlx", "k"), queue("b", "dlx", "z"), queue("one"), queue("two")], bindings, *exchanges
    )
    assert found["/", "a"].to == ("one",)
    assert found["/", "b"].to == ("two",)


def test_exchange_to_exchange_bindings_are_followed_once() -> None:
    bindings = [
        bind("dlx", "mid", "k", "exchange"),
        bind("mid", "dlx", "#", "exchange"),
        bind("mid", "q", "*"),
    ]
    found = work_out(
        [queue("a", "dlx", "k"), queue("q")], bindings, exchange("dlx"), exchange("mid", "topic")
    )
    assert found["/", "a"].to == ("q",)


def test_the_argument_wins_over_the_policy_each_for_itself() -> None:
    policy = {"dead-letter-exchange": "other", "dead-letter-routing-key": "k"}
    queues = [queue("a", "dlx", effective_policy=policy), queue("p", effective_policy=policy), queue("q")]
    found = work_out(queues, [bind("dlx", "q", "k")], exchange("dlx"))
    assert (found["/", "a"].exchange, found["/", "a"].routing_key, found["/", "a"].to) == ("dlx", "k", ("q",))
    assert found["/", "p"].broken == "exchange_missing"


def test_vhosts_are_apart() -> None:
    found = work_out([queue("a", "", "dlq"), queue("dlq", vhost="other")], [])
    assert found["/", "a"].broken == "routes_nowhere"
    assert found["other", "dlq"].from_ == ()


def test_a_retry_circle_holds_a_delay_queue_and_no_inbox() -> None:
    main = queue("main", "", "retry", consumers=2, arguments={"x-message-ttl": 86_400_000})
    retry = queue("retry", "", "main", consumers=0, arguments={"x-message-ttl": 30_000})
    found = work_out([main, retry], [])
    assert found["/", "retry"].is_delay
    assert not found["/", "main"].is_delay
    assert found["/", "main"].leads_back
    assert found.inboxes() == []


def test_messages_that_bring_their_own_ttl_make_a_delay_queue_too() -> None:
    found = work_out([queue("main", "", "retry", consumers=1), queue("retry", "", "main", consumers=0)], [])
    assert found["/", "retry"].is_delay
    assert not found["/", "main"].is_delay


def test_our_own_delay_queue_is_one() -> None:
    delay = queue("mqadmin.delay.1000", "", arguments={"x-message-ttl": 1000})
    assert work_out([delay], [])["/", "mqadmin.delay.1000"].is_delay


RETRY = queue("retry", "", "work", arguments={"x-message-ttl": 5000}, consumers=0)


@pytest.mark.parametrize(
    ("retry", "work"),
    [
        (RETRY, queue("work", consumers=1)),
        (RETRY, queue("work", "", "work.dlq", consumers=3)),
        (queue("retry", "", "work", effective_policy={"message-ttl": 5000}), queue("work", consumers=1)),
    ],
)
def test_what_a_retry_queue_lets_go_is_not_dead(retry: QueueInfo, work: QueueInfo) -> None:
    found = work_out([retry, work, queue("work.dlq")], [])
    assert found["/", "retry"].is_delay
    assert found["/", "work"].from_ == ("retry",)
    assert found["/", "work"].only_expired
    assert ("/", "work") not in found.inboxes()


def test_a_working_queue_stays_one_while_its_consumers_are_away() -> None:
    listed = [RETRY, queue("work", consumers=0)]
    assert dead_letter_map(listed, [], []).inboxes() == [("/", "work")]
    assert dead_letter_map(listed, [], [], worked={("/", "work")}).inboxes() == []


@pytest.mark.parametrize(
    ("listed", "known", "inbox"),
    [
        # Somebody consumes from it, or did: what expires in it was not handled in time.
        ([queue("orders", "", "dlq", arguments={"x-message-ttl": 9}, consumers=1), "dlq"], {}, "dlq"),
        ([queue("orders", "", "dlq", arguments={"x-message-ttl": 9}), "dlq"], {"worked": "orders"}, "dlq"),
        # Only a collector takes from it.
        ([queue("orders", "", "dlq", arguments={"x-message-ttl": 9}), "dlq"], {"captured": "dlq"}, "dlq"),
        # Letters come to it from elsewhere.
        ([queue("a", "", "retry", consumers=1), RETRY, "work"], {}, "retry"),
        # It has no TTL.
        ([queue("orders", "", "dlq"), "dlq"], {}, "dlq"),
        # Others dead-letter there as well.
        ([RETRY, queue("orders", "", "work", consumers=1), "work"], {}, "work"),
    ],
)
def test_what_is_an_inbox_all_the_same(
    listed: list[QueueInfo | str], known: dict[str, str], inbox: str
) -> None:
    queues = [queue(item, consumers=1) if isinstance(item, str) else item for item in listed]
    more: dict[str, Any] = {name: {("/", key)} for name, key in known.items()}
    assert ("/", inbox) in dead_letter_map(queues, [], [], **more).inboxes()


def test_a_chain_that_ends_is_no_circle() -> None:
    found = work_out([queue("a", "", "b"), queue("b", "", "c"), queue("c")], [])
    assert [found["/", name].leads_back for name in "abc"] == [False, False, False]
    assert found.inboxes() == [("/", "b"), ("/", "c")]


def test_a_queue_that_letters_itself_leads_back() -> None:
    target = work_out([queue("a", "", "a")], [])["/", "a"]
    assert target.leads_back
    assert not target.is_inbox


def test_an_unlisted_queue_is_nothing() -> None:
    assert work_out([], []).get("/", "x").exchange is None


@pytest.mark.parametrize("key", [None, "own"])
def test_ten_thousand_queues_are_worked_out_quickly(key: str | None) -> None:
    """Ten times as many take some ten times as long: not a hundred times, as when each is held against each."""
    names = [f"q{number}" for number in range(10_000)]
    queues = [queue(name, "dlx", key and name) for name in names]
    bindings = [bind("dlx", name, name) for name in names]
    few = processor_seconds(lambda: work_out(queues[:1_000], bindings[:1_000], exchange("dlx")), times=3)
    kept: list[DeadLetterMap] = []
    many = processor_seconds(lambda: kept.append(work_out(queues, bindings, exchange("dlx"))), times=3)
    assert many < few * 50
    found = kept[0]
    assert len(found) == 10_000
    assert found["/", "q7"].from_ == (("q7",) if key else tuple(sorted(names)))
