"""R8: an order service, told apart by message type: order.created, order.paid, order.cancelled."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from consumers.handlers.reference import payload
from consumers.handlers.registry import handler, option

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery

WORK_S = 0.015
CUSTOMER = re.compile(r"C-1\d{3}")  # the customers that exist: C-1000 to C-1999


class InvalidOrder(ValueError):
    """An order that no shop would take."""


class UnknownCustomer(LookupError):
    """The order names a customer that does not exist."""


class StockTimeout(TimeoutError):
    """The stock service of a warehouse did not answer: it will once the warehouse is back."""


class PaymentMismatch(ValueError):
    """What was paid is not what is owed."""


@dataclass(frozen=True)
class Options:
    """How patient the order service is."""

    stock_timeout_ms: int = option(
        800,
        label=_("Stock timeout (ms)"),
        help=_("How long to wait for the stock service of a warehouse."),
        minimum=0,
        maximum=60_000,
    )


@handler(
    "orders.process",
    title=_("Process an order"),
    description=_(
        "order.created, order.paid and order.cancelled by message type. "
        "Another type is acked with a warning; a bad order fails."
    ),
    options=Options,
)
def process(message: Delivery, options: Options) -> None:
    """Process one order event. Raises what is wrong with the order."""
    kind = message.type or message.routing_key
    check = _CHECKS.get(kind)
    if check is None:
        message.log.warning("unknown type %r: nothing to do", kind)
        return
    order = payload.document(message)
    number = payload.text(order, "order_id")
    message.log.info("%s %s: %s", kind, number, check(order))
    if kind == "order.created":
        message.log.info("stock reserved in %s", _reserve_stock(order, options))
    time.sleep(WORK_S)


def _created(order: dict[str, Any]) -> str:
    _check_customer(order)
    amount = _check_amount(order)
    items = order.get("items")
    if not isinstance(items, list) or not items:
        raise InvalidOrder(f"order {order['order_id']} has no items")
    return f"{len(items)} items for {amount:.2f} EUR"


def _reserve_stock(order: dict[str, Any], options: Options) -> str:
    warehouse = payload.text(order, "warehouse")
    if payload.seconds_until(order, "warehouse_back_at"):
        time.sleep(options.stock_timeout_ms / 1000)
        raise StockTimeout(
            f"the stock service of {warehouse} did not answer in {options.stock_timeout_ms} ms"
        )
    return warehouse


def _paid(order: dict[str, Any]) -> str:
    amount, paid = _check_amount(order), payload.number(order, "paid")
    if round(paid, 2) != round(amount, 2):
        raise PaymentMismatch(f"order {order['order_id']}: {amount:.2f} EUR owed, {paid:.2f} EUR paid")
    return f"{paid:.2f} EUR booked"


def _cancelled(order: dict[str, Any]) -> str:
    _check_customer(order)
    return str(order.get("reason") or "no reason given")


def _check_customer(order: dict[str, Any]) -> None:
    customer = payload.text(order, "customer")
    if not CUSTOMER.fullmatch(customer):
        raise UnknownCustomer(f"customer {customer} does not exist")


def _check_amount(order: dict[str, Any]) -> float:
    amount = payload.number(order, "amount")
    if amount <= 0:
        raise InvalidOrder(f"the amount must be positive, not {amount:.2f} EUR")
    return amount


_CHECKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "order.created": _created,
    "order.paid": _paid,
    "order.cancelled": _cancelled,
}
