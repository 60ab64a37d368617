"""Deliveries as the runtime makes them, for calling handlers directly."""

from __future__ import annotations

import json
from typing import Any

import pika
from pika.spec import Basic

from consumers.runtime.api import Delivery


def delivery(body: Any, *, routing_key: str = "q", redelivered: bool = False, **properties: Any) -> Delivery:
    """Return a delivery of `body` (JSON unless bytes) with these basic properties."""
    return Delivery(
        Basic.Deliver(
            consumer_tag="t", delivery_tag=1, redelivered=redelivered, exchange="", routing_key=routing_key
        ),
        pika.BasicProperties(**properties),
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        queue="q",
        consumer="c",
        generation=1,
    )
