"""A search means the same of a list as of queues: each term, over rows that are made here."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mqadmin.administration.exchanges.lists import EXCHANGES
from mqadmin.administration.listed import pages as listing
from mqadmin.administration.listing import packing
from mqadmin.administration.listing.tables import Table
from mqadmin.core.query.syntax import BadQuery
from mqadmin.rabbit.administration.exchanges import Exchange

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def exchange(name: str, *, rate: float | None = None, **more: object) -> Exchange:
    plain = {
        "vhost": "/",
        "type": "topic",
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
        "policy": "",
        "out_rate": None,
        "taken": None,
        "passed": None,
    }
    return Exchange(name=name, in_rate=rate, **{**plain, **more})  # type: ignore[arg-type]


ROWS = [
    exchange("", type="direct"),
    exchange("amq.topic", rate=0.5),
    exchange("Orders", rate=100.0, arguments={"alternate-exchange": "spare", "n": 5, "on": True}),
    exchange("orders.eu", rate=2.0, vhost="shop", internal=True, policy="ha"),
    exchange("spare\ud800", type="fanout", durable=False, taken=0),
]


@pytest.fixture(scope="module")
def table() -> Table:
    packed = packing.pack(EXCHANGES, ROWS)
    return Table(EXCHANGES, packed.digest, packing.unpack(packed.data))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["", "amq.topic", "Orders", "orders.eu", "spare\ud800"]),
        ("ORD", ["Orders", "orders.eu"]),
        ("name:orders", []),
        ("name:Orders", ["Orders"]),
        ("name:orders*", ["orders.eu"]),
        ("name:/^ORDERS/", ["Orders", "orders.eu"]),
        ("/spare/ or amq", ["amq.topic", "spare\ud800"]),
        ("-ord -is:built_in", ["spare\ud800"]),
        ("in>1", ["Orders", "orders.eu"]),
        ("in<=0.5", ["amq.topic"]),
        ("in!=2", ["", "amq.topic", "Orders", "spare\ud800"]),
        ("type:topic vhost:shop", ["orders.eu"]),
        ("is:internal", ["orders.eu"]),
        ("-is:durable", ["spare\ud800"]),
        ('policy:""', ["", "amq.topic", "Orders", "spare\ud800"]),
        ("arguments.alternate-exchange:spare", ["Orders"]),
        ("arguments.n>4", ["Orders"]),
        ("arguments.n:5 arguments.on:true", ["Orders"]),
        ("arguments.n:6", []),
        ("(type:fanout or internal) -x", ["spare\ud800"]),
    ],
)
def test_a_search_finds(text: str, names: list[str], table: Table) -> None:
    node = listing.query(EXCHANGES, text)
    assert [table.row(place).name for place in table.find(node, "name", NOW, text)] == names
    assert table.find(node, "name", NOW, None) == table.find(node, "name", NOW, text)


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("-name", ["spare\ud800", "orders.eu", "Orders", "amq.topic", ""]),
        ("in_rate", ["amq.topic", "orders.eu", "Orders", "", "spare\ud800"]),
        ("-in_rate", ["Orders", "orders.eu", "amq.topic", "", "spare\ud800"]),
        ("type", ["", "spare\ud800", "amq.topic", "Orders", "orders.eu"]),
    ],
)
def test_what_is_not_known_comes_last(sort: str, names: list[str], table: Table) -> None:
    assert [table.row(place).name for place in table.order(sort)] == names


def test_rows_come_back_as_they_were(table: Table) -> None:
    found = {row.name: row for row in (table.row(place) for place in range(len(table)))}
    assert found == {row.name: row for row in ROWS}


@pytest.mark.parametrize("text", ["in>fast", "nmae:x", "name:/(/", "is:blue", " ".join(["name:*x"] * 11)])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadQuery):
        listing.query(EXCHANGES, text)


def test_what_is_too_much_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MOST_ROWS", 3)
    assert packing.pack(EXCHANGES, ROWS).count == 3
    monkeypatch.setattr(packing, "MOST_BYTES", 100)
    assert packing.pack(EXCHANGES, ROWS).count < 3
