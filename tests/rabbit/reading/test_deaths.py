from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mqadmin.rabbit.message import Message, Properties
from mqadmin.rabbit.reading.deaths import Death, read

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def death_of(headers: dict[str, Any] | None, body: bytes = b"{}", queue: str = "orders.dlq") -> Death:
    return read(Message(body, Properties(headers=headers), "dlx", "dead"), queue)


def entry(queue: str = "orders", reason: str = "rejected", **more: Any) -> dict[str, Any]:
    found = {
        "count": 1,
        "reason": reason,
        "queue": queue,
        "time": AT,
        "exchange": "order.events",
        "routing-keys": ["order.paid"],
    }
    return {**found, **more}


def test_x_death_of_a_rejected_message() -> None:
    death = death_of(
        {
            "x-death": [entry(count=3, time=LATER), entry(queue="intake", reason="expired")],
            "x-first-death-queue": "intake",
            "x-first-death-reason": "expired",
        }
    )
    assert (death.queue, death.exchange, death.routing_keys) == ("orders", "order.events", ("order.paid",))
    assert (death.reason, death.count) == ("rejected", 4)
    assert (death.first_at, death.last_at) == (AT, LATER)
    assert [item.queue for item in death.deaths] == ["orders", "intake"]
    assert death.return_address == "intake"
    assert death.framework == ""


@pytest.mark.parametrize("reason", ["rejected", "expired", "maxlen", "delivery_limit"])
def test_each_reason_of_the_broker(reason: str) -> None:
    assert death_of({"x-death": [entry(reason=reason)]}).reason == reason


def test_deaths_in_the_dead_letter_queue_itself_do_not_hide_the_source() -> None:
    death = death_of({"x-death": [entry(queue="orders.dlq", reason="expired"), entry()]})
    assert (death.queue, death.reason, death.return_address) == ("orders", "rejected", "orders")


def test_no_headers_at_all() -> None:
    death = death_of(None)
    assert (death.queue, death.reason, death.count, death.return_address) == ("", "unknown", 0, None)
    assert (death.exchange, death.routing_keys) == ("dlx", ("dead",))


def test_last_death_headers_without_x_death() -> None:
    last = {f"x-last-death-{what}": word for what, word in (("queue", "b"), ("reason", "expired"))}
    death = death_of({"x-first-death-queue": "a", **last})
    assert (death.queue, death.reason, death.return_address) == ("b", "expired", "a")
    assert death.exchange == "dlx"
    assert death_of({**last, "x-last-death-exchange": "shop"}).exchange == "shop"


def test_our_own_headers() -> None:
    death = death_of(
        {
            "mqadmin-death-queue": "orders",
            "mqadmin-death-reason": "error",
            "mqadmin-death-time": AT,
            "mqadmin-death-consumer": "orders",
            "mqadmin-death-host": "web1",
            "mqadmin-origin-exchange": "order.events",
            "mqadmin-origin-routing-key": "order.paid",
            "mqadmin-attempt": 5,
            "mqadmin-error-type": "ValueError",
            "mqadmin-error-message": "no stock",
            "mqadmin-error-trace": "Traceback ...",
            "x-death": [entry(queue="mqadmin.delay.1000", reason="expired")],
        }
    )
    assert death.queue == death.return_address == "orders"
    assert (death.exchange, death.routing_keys) == ("order.events", ("order.paid",))
    assert (death.reason, death.count, death.framework) == ("error", 5, "mqadmin")
    assert (death.error_type, death.error, death.trace) == ("ValueError", "no stock", "Traceback ...")
    assert (death.consumer, death.host, death.last_at) == ("orders", "web1", AT)


JAVA = (
    "org.springframework.amqp.rabbit.support.ListenerExecutionFailedException: Listener threw exception\n"
    "\tat org.springframework.amqp.Some.method(Some.java:1)\n"
    "Caused by: java.lang.IllegalStateException: out of stock\n"
    "\tat com.shop.Orders.handle(Orders.java:42)\n"
)
DOTNET = "   at Shop.Handlers.OrderPlaced.Handle(OrderPlaced message) in /src/Handlers.cs:line 12"
PYTHON = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nshop.errors.OutOfStock: none left'

FRAMEWORKS = [
    (
        "spring",
        {
            "x-exception-message": "out of stock",
            "x-exception-stacktrace": JAVA,
            "x-original-exchange": "order.events",
            "x-original-routingKey": "order.paid",
            "retry-count": 2,
        },
        b"",
        {
            "error_type": "java.lang.IllegalStateException",
            "error": "out of stock",
            "exchange": "order.events",
            "count": 3,
        },
    ),
    (
        "nservicebus",
        {
            "NServiceBus.FailedQ": "shop.orders@HOST1",
            "NServiceBus.TimeOfFailure": "2026-03-01 12:00:00:000000 Z",
            "NServiceBus.ExceptionInfo.ExceptionType": "System.InvalidOperationException",
            "NServiceBus.ExceptionInfo.Message": "out of stock",
            "NServiceBus.ExceptionInfo.StackTrace": DOTNET,
            "NServiceBus.FLRetries": "4",
            "NServiceBus.ProcessingEndpoint": "Shop.Orders",
            "NServiceBus.ProcessingMachine": "HOST1",
        },
        b"",
        {
            "queue": "shop.orders",
            "error_type": "System.InvalidOperationException",
            "error": "out of stock",
            "trace": DOTNET,
            "count": 5,
            "last_at": AT,
            "consumer": "Shop.Orders",
            "host": "HOST1",
            "return_address": "shop.orders",
        },
    ),
    (
        "masstransit",
        {
            "MT-Reason": "fault",
            "MT-Fault-ExceptionType": "System.Exception",
            "MT-Fault-Message": "out of stock",
            "MT-Fault-StackTrace": DOTNET,
            "MT-Fault-Timestamp": "2026-03-01T12:00:00.0000000Z",
            "MT-Fault-InputAddress": "rabbitmq://rabbit/shop/order-placed?durable=true",
            "MT-Fault-ConsumerType": "Shop.OrderPlacedConsumer",
            "MT-Fault-RetryCount": 2,
            "MT-Host-MachineName": "HOST2",
        },
        b"",
        {
            "queue": "order-placed",
            "error": "out of stock",
            "count": 3,
            "last_at": AT,
            "host": "HOST2",
            "return_address": "order-placed",
        },
    ),
    (
        "rebus",
        {
            "rbs2-source-queue": "orders",
            "rbs2-error-details": "5 unhandled exceptions: 3/1/2026 12:00:00 PM +00:00: "
            f"System.InvalidOperationException: out of stock\n{DOTNET}",
        },
        b"",
        {
            "queue": "orders",
            "error_type": "System.InvalidOperationException",
            "error": "out of stock",
            "count": 5,
            "return_address": "orders",
        },
    ),
    (
        "watermill",
        {
            "reason_poisoned": "out of stock",
            "topic_poisoned": "orders",
            "handler_poisoned": "place_order",
            "subscriber_poisoned": "amqp",
        },
        b"",
        {"queue": "orders", "error": "out of stock", "consumer": "place_order"},
    ),
    (
        "dramatiq",
        {},
        json.dumps(
            {
                "queue_name": "default.XQ",
                "actor_name": "place_order",
                "args": [],
                "kwargs": {},
                "options": {"retries": 3, "traceback": PYTHON, "requeue_timestamp": 1772366400000},
                "message_id": "1",
                "message_timestamp": 1,
            }
        ).encode(),
        {
            "queue": "default",
            "error_type": "shop.errors.OutOfStock",
            "error": "none left",
            "trace": PYTHON,
            "count": 4,
            "last_at": AT,
            "consumer": "place_order",
        },
    ),
    (
        "celery",
        {"task": "shop.place_order", "id": "8c1", "retries": 2, "argsrepr": "(1,)", "kwargsrepr": "{}"},
        b"[[1], {}, {}]",
        {
            "consumer": "shop.place_order",
            "count": 0,
            "error": "shop.place_order: Celery leaves no error in its messages",
        },
    ),
    (
        "easynetq",
        {},
        json.dumps(
            {
                "RoutingKey": "order.paid",
                "Exchange": "order.events",
                "Queue": "orders",
                "Exception": f"System.Exception: out of stock\n{DOTNET}",
                "Message": "{}",
                "DateTime": "2026-03-01T12:00:00.1234567Z",
                "BasicProperties": {},
            }
        ).encode(),
        {
            "queue": "orders",
            "exchange": "order.events",
            "routing_keys": ("order.paid",),
            "error_type": "System.Exception",
            "error": "out of stock",
        },
    ),
    (
        "mqadmin",
        {"mqadmin-error-type": "E", "mqadmin-error-message": "out of stock", "mqadmin-death-queue": "orders"},
        b"",
        {"queue": "orders", "error_type": "E", "error": "out of stock", "return_address": "orders"},
    ),
]


@pytest.mark.parametrize(
    ("framework", "headers", "body", "expected"), FRAMEWORKS, ids=[row[0] for row in FRAMEWORKS]
)
def test_each_framework_is_understood(
    framework: str, headers: dict[str, Any], body: bytes, expected: dict[str, Any]
) -> None:
    death = death_of(headers, body)
    assert death.framework == framework
    assert death.reason == ("unknown" if framework == "celery" else "error"), (
        "Celery's messages tell of no death"
    )
    assert {name: getattr(death, name) for name in expected} == expected


def test_the_brokers_reason_is_kept_beside_a_frameworks_error() -> None:
    death = death_of({"lang": "py", "task": "t", "id": "1", "x-death": [entry(reason="maxlen")]})
    assert (death.framework, death.reason, death.queue) == ("celery", "maxlen", "orders")


def test_the_frameworks_return_address_goes_first() -> None:
    headers = {
        "NServiceBus.FailedQ": "first",
        "NServiceBus.ExceptionInfo.ExceptionType": "System.Exception",
        "mqadmin-death-queue": "second",
        "x-first-death-queue": "third",
    }
    assert death_of(headers).return_address == "first"
    del headers["NServiceBus.FailedQ"]
    assert death_of(headers).return_address == "second"
    del headers["mqadmin-death-queue"]
    assert death_of(headers).return_address == "third"


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-count": 3},
        {"x-original-exchange": "shop"},
        {"x-original-exchange": "shop", "x-original-routingKey": "k", "retry-count": 3},
        {"x-exception-message": "late"},
        {"x-exception-message": "late", "x-exception-stacktrace": "at shop.Orders"},
        {"MT-Reason": "fault"},
        {"MT-Fault-Message": "late"},
        {"NServiceBus.Retries": "2", "NServiceBus.FLRetries": "1"},
        {"NServiceBus.FailedQ": "orders"},
        {"rbs2-error-details": "late"},
        {"rbs2-source-queue": "orders"},
        {"reason_poisoned": "late"},
        {"reason_poisoned": "late", "topic_poisoned": "orders"},
        {"task": "paint", "id": "7", "retries": 2},
        {"x-first-death-cause": "late", "x-last-death-of": "q"},
        {"mqadmin-attempt": 2, "mqadmin-retry-id": "r"},
    ],
    ids=lambda headers: ", ".join(headers),
)
def test_headers_that_an_application_may_have_of_its_own_are_no_death(headers: dict[str, Any]) -> None:
    death = death_of(headers)
    assert (death.framework, death.reason, death.count, death.error, death.queue) == (
        "",
        "unknown",
        0,
        "",
        "",
    )
    assert death_of({**headers, "x-death": [entry()]}).reason == "rejected"


@pytest.mark.parametrize(
    ("body", "app_id", "framework"),
    [
        (json.dumps({"queue_name": "q", "actor_name": "a", "options": {"retries": 0}}), None, "dramatiq"),
        ("x", "faststream-0.5", "faststream"),
    ],
)
def test_a_message_of_a_framework_is_no_failure_of_a_handler(body: str, app_id: str, framework: str) -> None:
    message = Message(body.encode(), Properties(app_id=app_id), "dlx", "dead")
    death = read(message, "dlq")
    assert (death.framework, death.reason, death.count) == (framework, "unknown", 0)


def test_a_reason_of_the_brokers_that_is_not_known_is_no_failed_handler() -> None:
    death = death_of({"x-death": [entry(reason="evicted", count=2)]})
    assert (death.reason, death.count, death.queue) == ("unknown", 2, "orders")
    assert death_of({"x-death": [entry(reason="evicted")], "mqadmin-error-type": "E"}).reason == "error"


def test_skipped_by_masstransit_is_recognised_by_its_host() -> None:
    death = death_of({"MT-Reason": "dead-letter", "MT-Host-MachineName": "web1"})
    assert (death.framework, death.reason, death.error, death.host) == (
        "masstransit",
        "error",
        "dead-letter",
        "web1",
    )


def test_nothing_goes_back_to_the_dead_letter_queue() -> None:
    assert death_of({"mqadmin-death-queue": "orders.dlq"}).return_address is None


NAMES = st.sampled_from(
    [
        "x-death",
        "x-first-death-queue",
        "x-last-death-reason",
        "mqadmin-death-queue",
        "mqadmin-death-time",
        "mqadmin-attempt",
        "mqadmin-retry-id",
        "mqadmin-error-trace",
        "NServiceBus.FailedQ",
        "NServiceBus.TimeOfFailure",
        "NServiceBus.Retries",
        "MT-Reason",
        "MT-Fault-InputAddress",
        "MT-Fault-Timestamp",
        "rbs2-error-details",
        "x-exception-stacktrace",
        "retry-count",
        "reason_poisoned",
        "task",
        "id",
        "retries",
    ]
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=10)
    | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["queue", "reason", "count", "time", "exchange", "routing-keys"]), inner
        )
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the code
@given(headers=st.dictionaries(NAMES, JUNK), body=st.binary(max_size=50))
def test_hostile_headers_never_raise(headers: dict[str, Any], body: bytes) -> None:
    death = death_of(headers, body)
    assert death.reason in ("rejected", "expired", "maxlen", "delivery_limit", "error", "unknown")
    assert isinstance(death.error, str)
    for moment in (death.first_at, death.last_at):
        assert moment is None or moment.tzinfo is not None


@given(
    body=st.dictionaries(
        st.sampled_from(["options", "actor_name", "Exception", "RoutingKey", "Exchange"]),
        st.none()
        | st.integers()
        | st.text()
        | st.dictionaries(st.sampled_from(["retries", "traceback"]), st.integers() | st.none()),
    )
)
def test_hostile_bodies_never_raise(body: dict[str, Any]) -> None:
    death_of({}, json.dumps(body).encode())
