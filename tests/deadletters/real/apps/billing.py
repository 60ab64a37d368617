"""A Celery app whose failed tasks end in a dead-letter queue, in the two ways that Celery has for it.

Sent with `python -m tests.deadletters.real.apps.billing`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from celery import Celery
from celery.exceptions import Reject
from kombu import Exchange, Queue

from tests.deadletters.real.apps.common import REPAIRED, book, url

app = Celery("billing", broker=url())
app.conf.update(
    task_acks_late=True,
    task_acks_on_failure_or_timeout=False,  # a task that raises is rejected, so its message is dead-lettered
    task_reject_on_worker_lost=True,
    task_default_queue="invoices",
    task_queues=[
        Queue(
            "invoices",
            Exchange("invoices", "direct"),
            routing_key="invoices",
            queue_arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "invoices.dead"},
        )
    ],
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task(name="billing.send_invoice")
def send_invoice(job: str, *, customer: str) -> None:
    book(job)


@app.task(name="billing.refuse_invoice")
def refuse_invoice(job: str) -> None:
    try:
        book(job)
    except LookupError as error:
        raise Reject(error, requeue=False) from error


@app.task(name="billing.lose_worker")
def lose_worker(job: str) -> None:
    """Take the worker's process along, once: Celery returns the message and it is handled again."""
    mark = Path(os.environ[REPAIRED] + ".lost")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    book(job)


if __name__ == "__main__":
    with app.connection_for_write() as connection:
        for queue in app.conf.task_queues:
            queue(connection.default_channel).declare()
        Queue("invoices.dead")(connection.default_channel).declare()
    send_invoice.delay("celery-1", customer="Ada")
    send_invoice.delay("celery-2", customer="Zoë")
    refuse_invoice.apply_async(args=("celery-3",), countdown=0.5)
    lose_worker.delay("celery-4")
