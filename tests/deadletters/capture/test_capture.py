"""Letters that died on a real broker, and collectors that are cut off at the worst moment (guarantee 3)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError, connection

from consumers.runtime.sink import CapturedMessage, SinkUnavailable
from mqadmin.deadletters.capture import capture, windows
from mqadmin.deadletters.capture.capture import LetterSink
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.models import CaptureWindow, DeadLetter
from mqadmin.rabbit import amqp
from mqadmin.rabbit.message import Message
from tests.deadletters.conftest import Place

pytestmark = [pytest.mark.broker, pytest.mark.django_db]


class Session:
    """A collector's channel, worked by hand: it takes a window, commits, acks, or is cut off before."""

    def __init__(self, place: Place, sink: LetterSink | None = None) -> None:
        self._context = amqp.channel(place.config, place.vhost)
        self.channel = self._context.__enter__()
        self.sink = sink or LetterSink(broker=place.config.slug, vhost=place.vhost, queue="dlx.orders")
        self.sink.open()
        self._last = 0

    def take(self, count: int) -> list[CapturedMessage]:
        window = []
        for _ in range(count):
            method, properties, body = self.channel.basic_get("dlx.orders")
            if method is None or properties is None:
                break
            window.append(
                CapturedMessage(Message.from_pika(method, properties, body or b""), datetime.now(UTC))
            )
            self._last = method.delivery_tag or 0
        return window

    def commit(self, count: int = 100) -> list[CapturedMessage]:
        window = self.take(count)
        self.sink.commit_window(window)
        return window

    def ack(self) -> None:
        self.channel.basic_ack(self._last, multiple=True)
        self.channel.basic_qos(prefetch_count=10)  # answered after the ack

    def capture(self, count: int = 100) -> None:
        self.commit(count)
        self.ack()
        self.sink.settled()

    def cut(self) -> None:
        """End without acking what is in hand, as a killed process does."""
        self._context.__exit__(None, None, None)


@pytest.fixture
def dead(place: Place) -> Place:
    """The place with five letters, two of them identical."""
    for body in (b"1", b"2", b"same", b"same", b"5"):
        place.publish(body, timestamp=1_700_000_000)
    place.wait_depth("orders", 5)
    place.reject_all()
    place.wait_depth("dlx.orders", 5)
    return place


def bodies() -> Counter[bytes]:
    return Counter(bytes(body) for body in DeadLetter.objects.values_list("body", flat=True))


ALL_FIVE = Counter({b"1": 1, b"2": 1, b"same": 2, b"5": 1})


def test_a_rejected_message_is_stored_with_all_that_is_known(place: Place) -> None:
    place.publish(
        b'{"order": 17}',
        message_id="ord-17",
        content_type="application/json",
        headers={"customer": "Ada", "weight": 1.5},
        delivery_mode=2,
    )
    place.wait_depth("orders", 1)
    place.reject_all()
    place.wait_depth("dlx.orders", 1)
    Session(place).capture()

    letter = DeadLetter.objects.get()
    assert (letter.broker, letter.vhost, letter.dead_letter_queue) == ("default", place.vhost, "dlx.orders")
    assert (letter.source_queue, letter.source_exchange) == ("orders", "shop")
    assert (letter.routing_keys, letter.return_queue) == (["order.created"], "orders")
    assert (letter.reason, letter.death_count, letter.status) == ("rejected", 1, "parked")
    assert (letter.message_id, letter.size, bytes(letter.body)) == ("ord-17", 13, b'{"order": 17}')
    assert letter.headers["customer"] == "Ada"
    assert letter.headers["weight"] == 1.5
    assert letter.properties["content_type"] == "application/json"
    assert letter.deaths[0]["queue"] == "orders"
    assert letter.first_death_at is not None
    assert letter.first_death_at <= letter.captured_at
    assert windows.settled().count() == 1
    assert letter.group
    assert '{"order": 17}' in letter.search_text
    assert place.depth("dlx.orders") == 0


@pytest.mark.parametrize(
    ("arguments", "published", "reason", "letters_"),
    [({"x-message-ttl": 30}, 1, "expired", 1), ({"x-max-length": 1}, 3, "maxlen", 2)],
)
def test_expired_and_displaced_messages(
    place: Place, arguments: dict[str, Any], published: int, reason: str, letters_: int
) -> None:
    place.channel.queue_declare("small", arguments={"x-dead-letter-exchange": "dlx", **arguments})
    for _ in range(published):
        place.publish(b"x", exchange="", key="small")
    place.wait_depth("dlx.orders", letters_)
    Session(place).capture()
    assert list(DeadLetter.objects.values_list("reason", "source_queue")) == [(reason, "small")] * letters_


def test_a_window_that_was_never_committed_comes_back_as_new(dead: Place) -> None:
    first = Session(dead)
    assert len(first.take(100)) == 5
    first.cut()
    Session(dead).capture()
    assert bodies() == ALL_FIVE
    assert not DeadLetter.objects.exclude(maybe_duplicate_of=None).exists()


@pytest.mark.parametrize("window", [1, 2, 3, 5, 100])
def test_a_crash_between_commit_and_ack_leaves_no_second_row(dead: Place, window: int) -> None:
    first = Session(dead)
    first.commit()
    first.cut()
    dead.wait_depth("dlx.orders", 5)
    assert (DeadLetter.objects.count(), windows.settled().count()) == (5, 0)

    second = Session(dead)
    while dead.depth("dlx.orders"):
        second.capture(window)
    assert bodies() == ALL_FIVE
    assert not CaptureWindow.objects.exists()


def test_a_crash_between_ack_and_note_leaves_nothing_in_doubt(dead: Place) -> None:
    first = Session(dead)
    first.commit()
    first.ack()
    first.cut()
    dead.publish(b"same", timestamp=1_700_000_000)  # a twin that dies later
    dead.wait_depth("orders", 1)
    dead.reject_all()
    dead.wait_depth("dlx.orders", 1)
    second = Session(dead)
    second.capture()
    second.sink.resolved()
    assert bodies()[b"same"] == 3
    assert not CaptureWindow.objects.exists()


def test_a_letter_whose_ack_the_broker_forgot_is_marked_as_possible_duplicate(dead: Place) -> None:
    first = Session(dead)
    first.commit()
    first.sink.settled()  # as if it had been acked: then the broker comes back with it
    first.cut()
    dead.wait_depth("dlx.orders", 5)
    Session(dead).capture()
    assert DeadLetter.objects.count() == 10
    copies = DeadLetter.objects.exclude(maybe_duplicate_of=None)
    assert copies.count() == 5
    assert all(bytes(copy.body) == bytes(copy.maybe_duplicate_of.body) for copy in copies)


def test_a_letter_a_person_decided_meanwhile_is_still_recognised(dead: Place) -> None:
    first = Session(dead)
    first.commit()
    first.cut()
    dead.wait_depth("dlx.orders", 5)
    DeadLetter.objects.update(status="discarded")
    Session(dead).capture()
    assert set(DeadLetter.objects.values_list("status", flat=True)) == {"discarded"}
    assert bodies() == ALL_FIVE


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_ended_in_an_error_but_was_done_is_not_done_twice(
    dead: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(dead)
    window = session.take(100)
    atomic = capture.transaction.atomic

    class Lost:
        """Commits, then loses the connection before that is known."""

        def __init__(self) -> None:
            self.inner = atomic()

        def __enter__(self) -> None:
            self.inner.__enter__()

        def __exit__(self, *error: Any) -> None:
            self.inner.__exit__(*error)
            if not error[0] and not connection_in_atomic():
                monkeypatch.setattr(capture.transaction, "atomic", atomic)
                raise OperationalError("the connection is gone")

    def connection_in_atomic() -> bool:
        return bool(connection.in_atomic_block)

    monkeypatch.setattr(capture.transaction, "atomic", Lost)
    with pytest.raises(SinkUnavailable):
        session.sink.commit_window(window)
    session.sink.commit_window(window)
    session.ack()
    session.sink.settled()
    assert bodies() == ALL_FIVE


HOSTILE = "<script>alert(1)</script>\0\ud800"


def test_hostile_headers_and_forged_deaths_are_stored_as_they_came(place: Place) -> None:
    place.channel.basic_publish(
        "",
        "dlx.orders",
        b"\xff\x00<script>",
        properties=__import__("pika").BasicProperties(
            headers={
                "x-death": [
                    {
                        "queue": "<b>q</b>\0",
                        "reason": "<i>",
                        "count": 2**62,
                        "time": datetime(2026, 1, 1, tzinfo=UTC),
                        "routing-keys": ["\0", 5],
                    },
                    "nonsense",
                ],
                "\0": "\0",
                "mqadmin-error-message": "<script>\0",
                "mqadmin-requeue-id": "x" * 500,
            },
            message_id="<script>\0",
        ),
    )
    place.wait_depth("dlx.orders", 1)
    session = Session(place)
    window = session.commit()
    letter = DeadLetter.objects.get()
    stored = letters.message_of(letter)
    assert stored.body == b"\xff\x00<script>"
    assert stored.properties == window[0].message.properties
    assert "\0" not in letter.message_id + letter.source_queue + letter.error + letter.search_text
    assert letter.death_count <= 2**31 - 1


def test_what_cannot_be_read_is_stored_bare(dead: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DataError

    execute = capture._execute
    calls: list[int] = []

    def refuse_once(rows: Any) -> None:
        calls.append(len(rows))
        if len(calls) == 1:
            raise DataError("invalid byte sequence")
        execute(rows)

    monkeypatch.setattr(capture, "_execute", refuse_once)
    Session(dead).capture()
    assert bodies() == ALL_FIVE
