"""What stands behind the exchanges of a queue: chains, circles, and who publishes; and no more than so much."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mqadmin.queues.why import flow, upstream
from mqadmin.queues.why.upstream import Passing, Publisher, Upstream, alternates, publishers, walk
from mqadmin.rabbit.types import BindingInfo, ExchangeDetail, ExchangeInfo, PublisherInfo
from tests.queues.why.test_steps import facts


def bound(*pairs: tuple[str, str, str]) -> Callable[[str], Sequence[BindingInfo]]:
    """Bind exchanges to exchanges: (from, key, to)."""
    return lambda name: [
        BindingInfo("/", source, to, "exchange", key) for source, key, to in pairs if to == name
    ]


def test_a_chain_is_walked_to_its_beginning() -> None:
    ask = bound(("all", "order.#", "orders"), ("all", "paid.#", "orders"), ("edge", "", "all"))
    assert walk(["orders"], ask, {}) == (
        [Passing("edge", {"all": [""]}), Passing("all", {"orders": ["order.#", "paid.#"]})],
        False,
        ["orders", "all", "edge"],
    )
    assert walk(["lonely"], ask, {}) == ([], False, ["lonely"])


def test_a_circle_ends_the_walk() -> None:
    ask = bound(("a", "k", "b"), ("b", "k", "a"), ("a", "k", "a"))
    passing, is_cut, met = walk(["a"], ask, {})
    assert ({item.name: dict(item.onto) for item in passing}, is_cut, sorted(met)) == (
        {"a": {"b": ["k"], "a": ["k"]}, "b": {"a": ["k"]}},
        False,
        ["a", "b"],
    )


def test_an_alternate_exchange_is_fed_by_those_whose_it_is() -> None:
    ask = bound(("edge", "#", "orders"))
    found = alternates(
        [
            ExchangeInfo("/", "orders", "topic", alternate_exchange="lost"),
            ExchangeInfo("/", "lost", "fanout", alternate_exchange="lost"),
            ExchangeInfo("/", "other", "topic"),
        ]
    )
    assert found == {"lost": ["lost", "orders"]}
    passing, is_cut, met = walk(["lost"], ask, found)
    assert [(item.name, dict(item.onto), list(item.rest)) for item in passing] == [
        ("edge", {"orders": ["#"]}, []),
        ("orders", {}, ["lost"]),
        ("lost", {}, ["lost"]),
    ]
    assert (is_cut, sorted(met)) == (False, ["edge", "lost", "orders"])
    assert walk(["lost"], bound(), None) == ([], True, ["lost"])  # not told is not none
    lane = flow.way(facts(bindings=[]), sources=(), dead=(), upstream=Upstream(passing)).passing
    assert lane is not None
    assert lane.stops[1].marks == ["unroutable → lost"]


def test_no_more_is_asked_than_is_bounded_and_it_is_said() -> None:
    asked: list[str] = []

    def endless(name: str) -> list[BindingInfo]:
        asked.append(name)
        return [BindingInfo("/", f"{name}.{n}", name, "exchange", "k") for n in range(3)]

    _passing, is_cut, _met = walk(["x"], endless, {})
    assert (len(asked), is_cut) == (upstream.ASKED, True)
    chain = bound(*((f"x{n + 1}", "k", f"x{n}") for n in range(9)))
    passing, is_cut, _met = walk(["x0"], chain, {})
    assert (len(passing), is_cut) == (upstream.DEPTH, True)
    assert walk(["x"], lambda _name: None, {}) == ([], True, ["x"])  # not told is not none


def test_publishers_of_one_name_are_one_the_busiest_first() -> None:
    def on(channel: str, connection: str, rate: float | None) -> PublisherInfo:
        return PublisherInfo(channel, connection, "shop", "10.0.0.1", rate)

    found = publishers(
        [
            ExchangeDetail("orders", 12.0, (on("a1", "a", 2.0), on("b1", "b", None), on("c1", "c", 1.0))),
            ExchangeDetail("", 3.0, (on("a2", "a", 3.0), on("a1", "a", 1.0))),
        ],
        {"a": "web", "b": "web", "c": ""},
    )
    assert found == [
        Publisher("web", 3, {"orders": 2.0, "": 4.0}),
        Publisher("shop 10.0.0.1", 1, {"orders": 1.0}),
    ]


def test_how_it_is_drawn() -> None:
    behind = Upstream(
        [Passing("all", {f"orders{n}": ["#"] for n in range(5)})],
        is_cut=True,
        publishers=[Publisher("web", 2, {"all": 2.0, "": None})],
    )
    way = flow.way(facts(bindings=[]), sources=(), dead=(), upstream=behind)
    assert way.passing is not None
    (stop,) = way.passing.stops
    assert (stop.name, stop.marks, stop.more) == (
        "all",
        ["# → orders0", "# → orders1", "# → orders2"],
        "and 2 more",
    )
    assert "not followed" in way.passing.more
    assert (way.sources.stops[1].name, way.sources.stops[1].text) == ("web", "2 channels, 2/s")
    assert way.sources.stops[1].marks == ["→ all", "→ default exchange"]
    unnamed = flow.way(facts(bindings=[]), sources=(), dead=(), upstream=Upstream(tells_publishers=False))
    assert unnamed.passing is None
    assert "rates_mode = detailed" in unnamed.sources.stops[0].more
