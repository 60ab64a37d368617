"""Believable messages for the demo, about one in SPOILT of tasks and orders such that handling it fails.

What fails, fails by what is in it: some pass when they are requeued half a minute later, others once a person
has edited them.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.demo import topology
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing

SPOILT = 16  # of tasks and orders; a little under 3 % of all messages
BACK_IN = timedelta(seconds=30)

WAREHOUSES = ("hamburg-2", "rotterdam-1", "gdansk-4", "lyon-3")
PRODUCTS = ("teapot", "desk-lamp", "notebook-a5", "wool-scarf", "cable-2m", "oak-shelf")
SERVICES = ("checkout", "catalog", "payments", "mailer", "search")
LOG_TEXTS = {
    "debug": ("cache warmed in 41 ms", "connection reused"),
    "info": ("request served in 87 ms", "12 rows imported", "user signed in"),
    "warning": ("slow query: 1.4 s", "retrying after 502 from upstream", "disk at 81 %"),
    "error": ("card gateway answered 503", "index shard 3 is unavailable", "mail queue refused a message"),
}
SUBJECTS = (
    "Refund has not arrived",
    "Wrong size delivered",
    "Password reset",
    "Invoice copy",
    "Parcel is late",
)


@dataclass
class Author:
    """Writes the demo's messages. `now` is the clock; `rng` makes tests repeatable."""

    rng: random.Random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    orders: int = 20_000
    tasks: int = 0

    def task(self) -> Outgoing:
        """R1: a task for `task_queue`."""
        self.tasks += 1
        kind = self.rng.choice(("resize_image", "send_email", "build_report"))
        body = self._good_task(kind)
        if self.tasks % SPOILT == 3:
            body = self._spoilt_task(self.tasks // SPOILT)
        return self._message("", topology.TASKS, body, app_id="web")

    def _good_task(self, kind: str) -> dict[str, Any]:
        number = self.rng.randint(100, 999)
        if kind == "resize_image":
            return {
                "task": kind,
                "source": f"uploads/{number}.jpg",
                "width": self.rng.choice((320, 800, 1600)),
            }
        if kind == "send_email":
            return {
                "task": kind,
                "to": f"customer{number}@example.com",
                "subject": "Your order is on its way",
            }
        first = self.now() - timedelta(days=30)
        return {"task": kind, "from": first.date().isoformat(), "to": self.now().date().isoformat()}

    def _spoilt_task(self, turn: int) -> dict[str, Any]:
        number = self.rng.randint(100, 999)
        match turn % 4:
            case 0:
                ready = (self.now() + BACK_IN).isoformat()
                source = f"uploads/{number}.jpg"
                return {"task": "resize_image", "source": source, "width": 800, "source_ready_at": ready}
            case 1:
                return {"task": "send_email", "to": f"customer{number}.example.com", "subject": "Welcome"}
            case 2:
                return {"task": "build_report", "from": "2026-07-01", "to": "2026-06-01"}
            case _:
                return {"task": "resise_image", "source": f"uploads/{number}.jpg", "width": 320}

    def thread_job(self) -> Outgoing:
        """R6: a small job for the five handler threads."""
        body = {"job": self.rng.randint(1, 10**6), "rows": [self.rng.random() for _ in range(20)]}
        return self._message("", topology.THREADS, body, app_id="importer")

    def ticket(self) -> Outgoing:
        """R7: a support ticket of priority 0 to 10, mostly low."""
        priority = min(10, int(self.rng.expovariate(0.4)))
        body = {"subject": self.rng.choice(SUBJECTS), "opened_at": self.now().isoformat()}
        return self._message("", topology.PRIORITY, body, priority=priority, app_id="support")

    def order(self) -> Outgoing:
        """R8: an order event; one in fifty is of a type that the order service does not know."""
        self.orders += 1
        body: dict[str, Any] = {
            "order_id": f"A-{self.orders}",
            "customer": f"C-1{self.rng.randint(0, 999):03d}",
            "amount": round(self.rng.uniform(9, 240), 2),
            "currency": "EUR",
        }
        kind = self.rng.choices(
            ("order.created", "order.paid", "order.cancelled", "order.reviewed"), (60, 30, 8, 2)
        )[0]
        if self.orders % SPOILT == 5:
            kind = self._spoil_order(body, (self.orders // SPOILT) % 5)
        elif kind == "order.created":
            body |= self._basket()
        elif kind == "order.paid":
            body["paid"] = body["amount"]
        elif kind == "order.cancelled":
            body["reason"] = self.rng.choice(("changed my mind", "found it cheaper", "ordered twice"))
        headers = {"tenant": self.rng.choice(("eu-1", "eu-2")), "source": "webshop"}
        return self._message(
            topology.ORDERS_EXCHANGE, kind, body, type=kind, headers=headers, app_id="checkout"
        )

    def _basket(self) -> dict[str, Any]:
        items = [
            {"sku": self.rng.choice(PRODUCTS), "quantity": self.rng.randint(1, 3)}
            for _ in range(self.rng.randint(1, 4))
        ]
        return {"items": items, "warehouse": self.rng.choice(WAREHOUSES)}

    def _spoil_order(self, body: dict[str, Any], turn: int) -> str:
        """Make the order fail; return its type."""
        match turn:
            case 0 | 1:
                body |= {**self._basket(), "warehouse_back_at": (self.now() + BACK_IN).isoformat()}
                return "order.created"
            case 2:
                body |= {**self._basket(), "amount": -body["amount"]}
                return "order.created"
            case 3:
                body |= {**self._basket(), "customer": f"C-9{self.rng.randint(0, 999):03d}"}
                return "order.created"
            case _:
                body["paid"] = round(body["amount"] / 10, 2)
                return "order.paid"

    def log_entry(self) -> Outgoing:
        """R9: a log entry under `<service>.<level>`."""
        level = self.rng.choices(tuple(LOG_TEXTS), (30, 50, 14, 6))[0]
        service = self.rng.choice(SERVICES)
        body = {
            "level": level,
            "service": service,
            "text": self.rng.choice(LOG_TEXTS[level]),
            "at": self.now().isoformat(),
        }
        return self._message(topology.LOGS_EXCHANGE, f"{service}.{level}", body, app_id=service)

    def _message(self, exchange: str, key: str, body: dict[str, Any], **properties: Any) -> Outgoing:
        return Outgoing(
            exchange,
            key,
            json.dumps(body).encode(),
            Properties(
                content_type="application/json",
                delivery_mode=2,
                message_id=str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
                timestamp=int(self.now().timestamp()),
                **properties,
            ),
        )
