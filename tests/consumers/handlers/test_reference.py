from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.handlers import registry
from consumers.handlers.reference import logs, orders, payload, tasks
from tests.consumers.handlers.deliveries import delivery

NOW = datetime.now(UTC)
SOON, PAST = (NOW + timedelta(days=1)).isoformat(), (NOW - timedelta(seconds=1)).isoformat()
ORDER = {
    "order_id": "A-1",
    "customer": "C-1234",
    "amount": 12.5,
    "items": [{"sku": "teapot", "quantity": 1}],
    "warehouse": "hamburg-2",
}


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


def run(name: str, body: Any, options: dict[str, Any] | None = None, **properties: Any) -> None:
    registry.bind(registry.get(name), options or {})(delivery(body, **properties))


@pytest.mark.parametrize(
    "task",
    [
        {"task": "resize_image", "source": "a.jpg", "width": 10},
        {"task": "resize_image", "source": "a.jpg", "width": 10, "source_ready_at": PAST},
        {"task": "send_email", "to": "a@example.com", "subject": "s"},
        {"task": "build_report", "from": "2026-01-01", "to": "2026-01-31"},
    ],
)
def test_tasks_that_can_be_done(task: dict[str, Any]) -> None:
    run("tasks.run", task)


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"\xff", payload.BadPayload, "not JSON"),
        ([1], payload.BadPayload, "JSON object, not list"),
        ({}, payload.BadPayload, "task is missing"),
        ({"task": "fly"}, tasks.UnknownTask, "no task is called 'fly'"),
        ({"task": "resize_image", "source": "a", "width": 0}, payload.BadPayload, "positive"),
        (
            {"task": "resize_image", "source": "a", "width": 9, "source_ready_at": SOON},
            tasks.SourceNotReady,
            "still being uploaded",
        ),
        (
            {"task": "send_email", "to": "a.example.com", "subject": "s"},
            tasks.InvalidAddress,
            "not an e-mail",
        ),
        ({"task": "build_report", "from": "2026-02-01", "to": "2026-01-01"}, payload.BadPayload, "before it"),
        ({"task": "build_report", "from": "x", "to": "2026-01-01"}, payload.BadPayload, "ISO 8601"),
    ],
)
def test_bad_tasks_say_why(body: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run("tasks.run", body)


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("order.created", ORDER),
        ("order.created", {**ORDER, "warehouse_back_at": PAST}),
        ("order.paid", {**ORDER, "paid": 12.5}),
        ("order.cancelled", ORDER),
    ],
)
def test_good_orders(kind: str, order: dict[str, Any]) -> None:
    run("orders.process", order, type=kind)


def test_the_routing_key_stands_in_for_a_missing_type() -> None:
    with pytest.raises(orders.PaymentMismatch):
        run("orders.process", {**ORDER, "paid": 1}, routing_key="order.paid")


@pytest.mark.parametrize(
    ("kind", "changes", "error", "words"),
    [
        ("order.created", {"amount": -3}, orders.InvalidOrder, "must be positive, not -3.00"),
        ("order.created", {"items": []}, orders.InvalidOrder, "no items"),
        ("order.created", {"customer": "C-9000"}, orders.UnknownCustomer, "C-9000 does not exist"),
        ("order.paid", {"paid": 2}, orders.PaymentMismatch, "12.50 EUR owed, 2.00 EUR paid"),
        ("order.cancelled", {"customer": None}, payload.BadPayload, "customer is missing"),
    ],
)
def test_bad_orders_say_why(kind: str, changes: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run("orders.process", {**ORDER, **changes}, type=kind)


def test_stock_service_that_is_away_takes_its_timeout(no_work: list[float]) -> None:
    with pytest.raises(orders.StockTimeout, match="hamburg-2 did not answer in 300 ms"):
        run(
            "orders.process",
            {**ORDER, "warehouse_back_at": SOON},
            {"stock_timeout_ms": 300},
            type="order.created",
        )
    assert no_work == [0.3]


def test_unknown_order_type_is_a_warning_not_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    run("orders.process", b"whatever", type="order.reviewed")
    assert [(line.levelno, line.getMessage()) for line in caplog.records] == [
        (logging.WARNING, "unknown type 'order.reviewed': nothing to do")
    ]


def test_errors_of_a_service_raise_one_alert_in_the_quiet_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_alerts", logs._Alerts())
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    entry = {"level": "error", "service": "mailer", "text": "full"}
    for moment in (0, 5, 9, 20):
        clock[0] = moment
        run("logs.alert", entry, {"quiet_seconds": 10})
    run("logs.alert", {**entry, "service": "search"}, {"quiet_seconds": 10})
    alerts = [line.getMessage() for line in caplog.records if line.levelno == logging.ERROR]
    assert alerts == [
        "ALERT mailer: full",
        "ALERT mailer: full (2 more since the last alert)",
        "ALERT search: full",
    ]


def test_log_entries_are_checked_and_stored(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run("logs.store", {"level": "info", "service": "web", "text": "hello"})
    assert caplog.messages == ["[info] web: hello"]
    with pytest.raises(payload.BadPayload, match="level must be one of"):
        run("logs.store", {"level": "loud", "service": "web", "text": "hello"})


def test_ticket_and_thread_work(caplog: pytest.LogCaptureFixture, no_work: list[float]) -> None:
    caplog.set_level(logging.INFO)
    run("priority.work", {"subject": "Refund", "opened_at": PAST}, {"work_ms": 7}, priority=9)
    run("threads.work", b"abc", {"work_ms": 3})
    assert no_work == [0.007, 0.003]
    assert re.fullmatch(r"priority 9 waited \d+\.\d s: Refund", caplog.messages[0])
    assert caplog.messages[1].startswith("3 bytes, sha256 ba7816bf")
