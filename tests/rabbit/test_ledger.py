from __future__ import annotations

from mqadmin.rabbit.ledger import Entry, Ledger, Outgoing
from mqadmin.rabbit.message import Properties


def filled(*items: Outgoing) -> Ledger:
    ledger = Ledger()
    for index, item in enumerate(items):
        ledger.sent(Entry(None, index, item))
    return ledger


def item(key: str, number: int = 0) -> Outgoing:
    return Outgoing("", key, b"12345", Properties(message_id=str(number)))


def give_back(ledger: Ledger, key: str, number: int = 0, body: bytes = b"12345") -> None:
    ledger.returned("", key, Properties(message_id=str(number)), body, "NO_ROUTE")


def marks(entries: list[Entry]) -> list[tuple[int, bool]]:
    return [(entry.index, entry.returned is not None) for entry in entries]


def test_single_and_multiple_confirms_take_what_they_name() -> None:
    ledger = filled(*(item("a") for _ in range(5)))
    assert marks(ledger.settled(2, multiple=False)) == [(1, False)]
    assert marks(ledger.settled(4, multiple=True)) == [(0, False), (2, False), (3, False)]
    assert marks(ledger.settled(4, multiple=True)) == []
    assert len(ledger) == 1
    assert ledger.bytes == 5


def test_a_return_finds_its_message_among_others() -> None:
    ledger = filled(item("a"), item("b"), item("a"), item("b"))
    give_back(ledger, "b")
    give_back(ledger, "b")
    assert marks(ledger.settled(4, multiple=True)) == [(0, False), (1, True), (2, False), (3, True)]


def test_messages_that_differ_only_in_a_property_are_told_apart() -> None:
    ledger = filled(item("a", 1), item("a", 2), item("a", 3))
    give_back(ledger, "a", 2)
    assert marks(ledger.settled(3, multiple=True)) == [(0, False), (1, True), (2, False)]


def test_of_identical_messages_one_is_charged_for_each_return() -> None:
    ledger = filled(item("a"), item("a"), item("a"))
    give_back(ledger, "a")
    give_back(ledger, "a")
    assert sum(returned for _, returned in marks(ledger.settled(3, multiple=True))) == 2


def test_properties_that_came_back_in_another_form_do_not_lose_the_return() -> None:
    odd = Outgoing("", "a", b"x", Properties(headers={"list": (1, 2)}))
    ledger = filled(item("a"), odd)
    ledger.returned("", "a", Properties(headers={"list": [1, 2]}), b"x", "NO_ROUTE")
    assert marks(ledger.settled(2, multiple=True)) == [(0, False), (1, True)]


def test_a_return_of_something_never_sent_changes_nothing() -> None:
    ledger = filled(item("a"))
    give_back(ledger, "z")
    assert marks(ledger.settled(1, multiple=False)) == [(0, False)]


def test_a_new_channel_counts_from_one_again() -> None:
    ledger = filled(item("a"), item("b"))
    assert [entry.index for entry in ledger.close()] == [0, 1]
    ledger.sent(Entry(None, 7, item("c")))
    give_back(ledger, "c")
    assert marks(ledger.settled(1, multiple=False)) == [(7, True)]
    assert ledger.bytes == 0
