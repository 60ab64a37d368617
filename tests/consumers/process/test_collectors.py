"""What a collector takes into its windows, without a broker: the limits, one message at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pika.adapters.select_connection import IOLoop
from pika.spec import Basic, BasicProperties

from consumers.process import collectors
from consumers.process.collectors import CappedAdmission, Limits
from consumers.runtime.spec import ConsumerSpec
from mqadmin.rabbit.config import BrokerConfig

NOWHERE = BrokerConfig("x", "X", "amqp://127.0.0.1:1", "http://127.0.0.1:1")


class Line:
    """A collector of which no more is needed than what it is asked for, and the loop it is in."""

    def __init__(self) -> None:
        self.loop = IOLoop()
        self.events: list[str] = []
        self.told: list[str] = []
        self.is_reopened = False
        self.capped = CappedAdmission(
            self.loop, SPEC, self, Limits(cap=50, delivery_limit=20, first_window=3)
        )
        self.capped.start(self)
        self._tag = 0

    def state(self, state: str, reason: str = "") -> None:
        raise AssertionError("it is its collector who tells how it is")

    def event(self, kind: str, text: str) -> None:
        self.events.append(text)

    def tell(self) -> None:
        self.told.append(self.capped.words)

    def reopen(self) -> bool:
        self.is_reopened = True
        self.loop.stop()
        return True

    def come(self, size: int, *, in_window: int = 0, returned: int | None = None) -> bool:
        """Offer a message of so many bytes, which the queue has returned so many times."""
        self._tag += 1
        headers = {} if returned is None else {"x-delivery-count": returned}
        method = Basic.Deliver("collect", self._tag, returned is not None, "", "q")
        return self.capped.takes(in_window, method, BasicProperties(headers=headers), bytes(size))


SPEC = ConsumerSpec(name="collect", broker=NOWHERE, vhost="/", queue="q", host="here", prefetch=10)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(collectors, "WINDOW_BYTES", 100)
    made = Line()
    yield made
    made.loop.close()


def test_a_window_ends_at_as_many_messages_or_bytes_as_fit(line: Line) -> None:
    assert line.come(10)
    assert not line.capped.is_full(1)
    assert line.capped.is_full(3)
    assert line.come(50, in_window=1)
    assert not line.capped.is_full(2)
    assert line.come(41, in_window=2)
    assert line.capped.is_full(2), "101 bytes"


def test_what_comes_while_a_full_window_ends_is_given_back(line: Line) -> None:
    taken = [line.come(50, in_window=number) for number in range(6)]
    assert taken == [True] * 4 + [False] * 2
    assert line.capped.stored(4) == [5, 6]
    assert line.capped.stored(0) == [], "once"


def test_the_next_window_takes_twice_as_many_while_they_fit(line: Line) -> None:
    assert line.capped.prefetch == 3
    for small, wanted in ((1, 6), (1, 10), (25, 4)):
        line.come(small)
        line.capped.stored(1)
        assert line.capped.prefetch == wanted


def test_a_large_one_is_held_until_the_channel_ends(line: Line) -> None:
    assert not line.come(51)
    assert line.capped.holds
    assert line.told == ["1 letter larger than 50 bytes stays in queue q"]
    assert line.capped.ended() is None
    line.capped.stored(0)
    assert line.capped.holds
    line.capped.channel_gone()
    assert not line.capped.holds
    assert line.capped.words == ""


@pytest.mark.parametrize(
    ("size", "returned", "is_aside"), [(51, 14, False), (51, 15, True), (1, 16, False), (1, 17, True)]
)
def test_one_that_has_few_returns_left_is_put_aside(
    line: Line, size: int, returned: int, is_aside: bool
) -> None:
    assert line.come(size, returned=returned) == (size == 1 and not is_aside)
    assert line.capped.is_full(0) == is_aside
    beside = line.capped.ended()
    assert (beside is not None) == is_aside
    if beside is not None:
        assert beside.tags == [1]
        assert line.capped.holds, "as long as it is not kept"
        line.capped.kept(beside)
        assert not line.capped.holds
        assert line.events == line.told == [line.capped.words]
        assert line.capped.words.startswith("1 was put aside into queue q.aside")


def test_what_is_held_is_given_back_before_rabbitmq_loses_patience(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collectors, "REFRESH_SECONDS", 0.01)
    line.come(51)
    line.loop.call_later(10, line.loop.stop)
    line.loop.start()
    assert line.is_reopened


def test_that_another_consumer_gets_them_all_is_told_when_it_is_known(line: Line) -> None:
    held = "“q” gives its messages to its single active consumer alone, which is “x”."
    line.capped._asked(Limits(cap=50, delivery_limit=20, held=held))
    line.capped._asked(Limits(cap=50, delivery_limit=20, held=held))
    line.capped._asked(Limits(cap=50, delivery_limit=20))
    assert line.told == [held.rstrip("."), ""]
