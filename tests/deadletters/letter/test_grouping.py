from __future__ import annotations

import pytest

from mqadmin.deadletters.letter import grouping


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("stock service did not answer in 30000 ms", "stock service did not answer in N ms"),
        ("amount must be positive, not -12.50", "amount must be positive, not N"),
        ("'customer_id'", "'customer_id'"),
        ("no customer 'Ada Lovelace'", "no customer N"),
        ('order "ord-10442" is closed', "order N is closed"),
        ("order ord-10442 is closed", "order N is closed"),
        ("user ada@example.org has no address", "user N has no address"),
        ("GET https://stock.example/items/17?x=1 timed out", "GET N timed out"),
        ("connect to 10.0.0.7:5432 refused", "connect to N refused"),
        ("id 6fa459ea-ee8a-3ca4-894e-db77e160355e is unknown", "id N is unknown"),
        ("<Order object at 0x7f3a10>", "<Order object at N>"),
        ("expired at 2026-11-21T13:42:11.063Z", "expired at N"),
        ("first line\nsecond 12", "first line"),
        ("", ""),
        ("don't know what it's about", "don't know what it's about"),
    ],
)
def test_pattern(error: str, expected: str) -> None:
    assert grouping.pattern(error) == expected


def test_the_pattern_is_bounded_and_quick() -> None:
    assert len(grouping.pattern("x'" * 100_000)) <= grouping.MAX_CHARACTERS
    assert len(grouping.pattern("1a-" * 100_000)) <= grouping.MAX_CHARACTERS


def test_letters_that_differ_in_what_varies_share_a_group() -> None:
    cause = {"vhost": "/", "source_queue": "q", "reason": "error", "error_type": "TimeoutError"}
    one = grouping.fingerprint(**cause, error="no answer in 30 s")
    assert one == grouping.fingerprint(**cause, error="no answer in 45 s")
    assert one != grouping.fingerprint(**cause, error="no route in 30 s")
    for name in cause:
        assert one != grouping.fingerprint(**{**cause, name: "other"}, error="no answer in 30 s")


def test_segments_tell_what_varies() -> None:
    assert grouping.segments("no answer in 30 s") == [("no answer in ", False), ("N", True), (" s", False)]


@pytest.mark.parametrize(
    ("trace", "frame"),
    [
        (
            'Traceback (most recent call last):\n  File "/app/shop/orders.py", line 7, in handle\n    charge()\n'
            '  File "/app/shop/pay.py", line 91, in charge\n    raise Refused\n'
            '  File "/venv/lib/python3.11/site-packages/requests/api.py", line 3, in get\nshop.Refused',
            "shop/pay.py charge",
        ),
        (
            "java.lang.IllegalStateException\n\tat java.base/java.util.Map.get(Map.java:3)\n"
            "\tat org.springframework.amqp.Listener.call(Listener.java:9)\n"
            "\tat com.shop.Orders.handle(Orders.java:42)",
            "com.shop.Orders.handle",
        ),
        (
            "System.InvalidOperationException\r\n   at System.Linq.First()\r\n"
            "   at Shop.Orders.Handler.Handle(Order o)",
            "Shop.Orders.Handler.Handle",
        ),
        ("no trace at all", ""),
        ("", ""),
    ],
)
def test_the_first_frame_of_ones_own_code(trace: str, frame: str) -> None:
    assert grouping.own_frame(trace) == frame


def test_errors_that_say_nothing_are_told_apart_by_where_they_came_from() -> None:
    def group(error: str, name: str, line: int) -> str:
        trace = f'  File "/app/shop/orders.py", line {line}, in {name}'
        known = {"vhost": "/", "source_queue": "q", "reason": "error", "error_type": "AssertionError"}
        return grouping.fingerprint(**known, error=error, trace=trace)

    assert group("", "pay", 7) == group("", "pay", 9)
    assert group("", "pay", 7) != group("", "ship", 7)
    assert group("too late", "pay", 7) == group("too late", "ship", 7)
