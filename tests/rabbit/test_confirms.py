"""The ledger of confirms: tables, and any sequence of answers against a model of RabbitMQ's channel."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from mqadmin.rabbit.confirms import Answer, Confirms, Sent
from mqadmin.rabbit.message import Properties


@dataclass(eq=False, slots=True)
class Item(Sent):
    index: int
    key: str
    given: Properties = field(default_factory=Properties)

    @property
    def route(self) -> tuple[str, str]:
        return "", self.key

    @property
    def properties(self) -> Properties:
        return self.given


def item(key: str, number: int = 0, index: int = 0, body: bytes = b"12345", **properties: Any) -> Item:
    return Item(body, index, key, Properties(message_id=str(number), **properties))


def filled(*items: Item) -> Confirms[Item]:
    confirms: Confirms[Item] = Confirms()
    for index, each in enumerate(items):
        each.index = index
        confirms.sent(each)
    return confirms


def give_back(confirms: Confirms[Item], key: str, number: int = 0, body: bytes = b"12345") -> bool:
    return confirms.returned("", key, Properties(message_id=str(number)), body, "NO_ROUTE")


def marks(items: list[Item]) -> list[tuple[int, bool]]:
    return [(each.index, each.answer == "returned") for each in items]


def acked(confirms: Confirms[Item], number: int, *, multiple: bool) -> list[tuple[int, bool]]:
    return marks(confirms.answered(number, multiple, is_ack=True))


def test_single_and_multiple_confirms_take_what_they_name() -> None:
    confirms = filled(*(item("a") for _ in range(5)))
    assert acked(confirms, 2, multiple=False) == [(1, False)]
    assert acked(confirms, 4, multiple=True) == [(0, False), (2, False), (3, False)]
    assert acked(confirms, 4, multiple=True) == []
    assert acked(confirms, 4, multiple=False) == []
    assert len(confirms) == 1
    assert confirms.bytes == 5


def test_a_return_finds_its_message_among_others() -> None:
    confirms = filled(item("a"), item("b"), item("a"), item("b"))
    assert give_back(confirms, "b")
    assert give_back(confirms, "b")
    assert acked(confirms, 4, multiple=True) == [(0, False), (1, True), (2, False), (3, True)]


def test_messages_that_differ_only_in_a_property_are_told_apart() -> None:
    confirms = filled(item("a", 1), item("a", 2), item("a", 3))
    give_back(confirms, "a", 2)
    assert acked(confirms, 3, multiple=True) == [(0, False), (1, True), (2, False)]


def test_of_identical_messages_one_is_charged_for_each_return() -> None:
    confirms = filled(item("a"), item("a"), item("a"))
    give_back(confirms, "a")
    give_back(confirms, "a")
    assert sum(returned for _, returned in acked(confirms, 3, multiple=True)) == 2


def test_of_identical_messages_the_first_that_is_confirmed_was_returned() -> None:
    """The broker refuses the first and returns the second: neither is taken for confirmed."""
    confirms = filled(item("a"), item("a"))
    give_back(confirms, "a")
    [second] = confirms.answered(2, False, is_ack=True)
    [first] = confirms.answered(1, False, is_ack=False)
    assert (first.answer, second.answer) == ("nacked", "returned")


def test_a_return_that_a_refused_message_was_charged_with_is_passed_on() -> None:
    confirms = filled(item("a"), item("b"), item("a"))
    give_back(confirms, "a")
    confirms.answered(1, False, is_ack=False)
    assert acked(confirms, 3, multiple=True) == [(1, False), (2, True)]


def test_a_charge_that_was_passed_on_is_found_before_later_ones() -> None:
    confirms = filled(item("a"), item("a"), item("a"), item("c"))
    give_back(confirms, "a")
    give_back(confirms, "c")
    confirms.answered(1, False, is_ack=False)
    assert acked(confirms, 3, multiple=False) == [(2, True)]
    [second] = confirms.answered(2, False, is_ack=False)
    assert second.answer == "nacked"


@pytest.mark.parametrize(
    ("sent", "came"),
    [
        ({"list": (1, 2)}, {"list": [1, 2]}),
        ({"BCC": ["x"], "a": 1}, {"a": 1}),
        ({"BCC": ["x"]}, None),
        ({"at": datetime(2024, 1, 1, 0, 0, 0, 7, UTC)}, {"at": datetime(2024, 1, 1, tzinfo=UTC)}),
    ],
)
def test_properties_that_come_back_in_another_form_are_known_again(
    sent: dict[str, Any], came: dict[str, Any] | None
) -> None:
    confirms = filled(item("a", headers={"other": 1}), item("a", headers=sent), item("a", headers={}))
    assert confirms.returned("", "a", Properties(message_id="0", headers=came), b"12345", "NO_ROUTE")
    assert acked(confirms, 3, multiple=True) == [(0, False), (1, True), (2, False)]


def test_a_return_that_may_be_of_any_counts_for_each() -> None:
    confirms = filled(item("a", 1), item("b", 1), item("a", 2))
    assert give_back(confirms, "a", 3)
    assert acked(confirms, 3, multiple=True) == [(0, True), (1, False), (2, True)]


def test_a_return_of_something_never_sent_changes_nothing() -> None:
    confirms = filled(item("a"))
    assert not give_back(confirms, "z")
    assert not give_back(confirms, "a", body=b"other")
    assert acked(confirms, 1, multiple=False) == [(0, False)]


def test_what_a_channel_never_answered_stays_unknown() -> None:
    confirms = filled(item("a"), item("b"), item("c"))
    give_back(confirms, "b")
    confirms.answered(1, False, is_ack=True)
    lost = confirms.close()
    assert [each.index for each in lost] == [1, 2]
    assert [each.answer for each in lost] == [None, None]
    assert (len(confirms), confirms.bytes) == (0, 0)


def test_a_new_channel_counts_from_one_again() -> None:
    confirms = filled(item("a"), item("b"))
    give_back(confirms, "b")
    confirms.close()
    confirms.sent(item("c", index=7))
    give_back(confirms, "c")
    assert acked(confirms, 1, multiple=False) == [(7, True)]
    assert confirms.bytes == 0


CONTENTS = [
    {"key": "a", "number": 1},
    {"key": "a", "number": 2},
    {"key": "b", "number": 1},
    {"key": "a", "number": 1, "body": b"other"},
    {"key": "a", "number": 1, "headers": {"BCC": ["x"], "tuple": (1,)}},
]


class Channel:
    """What RabbitMQ does on a confirm channel, in an order that chance decides.

    It processes publishes in order. One that no queue is there for is returned at once and confirmed later; any
    other is confirmed or refused later. Later is in any order, but an answer for all up to a number says the same
    of all.
    """

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._confirms: Confirms[Item] = Confirms()
        self._published: list[Item] = []
        self._processed = 0
        self._due: dict[int, bool] = {}  # number -> whether it will be acked
        self.fates: dict[int, Answer] = {}  # by number
        self.told: dict[int, Item] = {}

    def publish(self) -> None:
        message = item(**self._data.draw(st.sampled_from(CONTENTS)), index=len(self._published) + 1)
        self._published.append(message)
        self._confirms.sent(message)

    def process(self) -> None:
        if self._processed == len(self._published):
            return
        message = self._published[self._processed]
        self._processed += 1
        fate: Answer = self._data.draw(st.sampled_from(["confirmed", "returned", "nacked"]))
        self.fates[message.index] = fate
        self._due[message.index] = fate != "nacked"
        if fate == "returned":
            headers = message.given.headers and {"tuple": [1]}
            came = Properties(message_id=message.given.message_id, headers=headers)
            assert self._confirms.returned("", message.key, came, message.body, "NO_ROUTE")

    def answer(self) -> None:
        if not self._due:
            return
        number = self._data.draw(st.sampled_from(sorted(self._due)))
        is_ack = self._due[number]
        below = [key for key in self._due if key <= number]
        multiple = all(self._due[key] == is_ack for key in below) and self._data.draw(st.booleans())
        meant = sorted(below) if multiple else [number]
        found = self._confirms.answered(number, multiple, is_ack=is_ack)
        assert [each.index for each in found] == meant, "what is answered for, in publish order"
        event("multiple" if len(meant) > 1 else "single")
        for each in found:
            del self._due[each.index]
            self.told[each.index] = each

    def check(self) -> None:
        waiting = [each for each in self._published if each.index not in self.told]
        assert list(self._confirms) == waiting
        assert self._confirms.bytes == sum(len(each.body) for each in waiting)
        assert all(each.answer is None for each in waiting), "unknown is never taken for confirmed"
        for number, each in self.told.items():
            assert (each.answer == "nacked") == (self.fates[number] == "nacked")

    def end(self) -> None:
        """Check that of equal messages as many count as confirmed as were."""
        lost = self._confirms.close()
        assert [each.index for each in lost if each.answer is not None] == []
        confirmed, taken = Counter[str](), Counter[str]()
        for number, each in self.told.items():
            content = repr((each.key, each.body, each.given))
            confirmed[content] += each.answer == "confirmed"
            taken[content] += self.fates[number] == "confirmed"
        if not lost:
            assert confirmed == taken
        for content, count in confirmed.items():
            published = sum(
                repr((each.key, each.body, each.given)) == content
                and self.fates.get(each.index) == "confirmed"
                for each in self._published
            )
            assert count <= published, "of none that the broker did not take"


@given(st.data())
def test_whatever_the_order_of_answers_none_is_taken_for_confirmed_that_is_not(data: st.DataObject) -> None:
    channel = Channel(data)
    steps = {"publish": channel.publish, "process": channel.process, "answer": channel.answer}
    for step in data.draw(st.lists(st.sampled_from([*steps, "publish"]), max_size=40)):
        steps[step]()
        channel.check()
    if data.draw(st.booleans()):  # else the channel ends in the midst of it
        while len(channel.told) < len(channel._published):
            channel.process()
            channel.answer()
            channel.check()
    channel.end()
