"""Celery: one worker with late acks and nothing else to do. `publish` has Celery itself fill its queue."""

from __future__ import annotations

import threading
from typing import Any

import amqp
from celery import Celery
from celery.signals import worker_ready
from celery.worker import state
from kombu.asynchronous import get_event_loop

from benchmarks.contenders import clock


def application(vhost: str, queue: str) -> Celery:
    """Return an app without what costs time and is not consuming: results, events, remote control."""
    app = Celery("benchmark", broker=clock.amqp_url(vhost))
    app.conf.update(
        broker_connection_retry_on_startup=True,
        task_acks_late=True,
        task_default_queue=queue,
        task_ignore_result=True,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
    )
    return app


def count_acks(timer: clock.Clock) -> None:
    """Have every ack that Celery makes counted once it is written; the worker ends after the last."""
    ack = amqp.Channel.basic_ack

    def counted(channel: amqp.Channel, *arguments: Any, **named: Any) -> None:
        ack(channel, *arguments, **named)
        if timer.acked():
            state.should_stop = 0  # type: ignore[assignment]  # the exit code

    amqp.Channel.basic_ack = counted  # type: ignore[method-assign, assignment]


def keep_awake(**_: Any) -> None:
    """Turn the worker's event loop every 20 ms.

    With the solo pool it was seen to sleep for up to ten seconds beside messages it could have read, once in
    most runs. That would be most of the time measured, and is not what is to be compared.
    """
    pause = threading.Event()

    def turn() -> None:
        while not pause.wait(0.02):
            hub = get_event_loop()
            if hub is not None:  # the pool of threads has none
                hub.call_soon(lambda: None)

    threading.Thread(target=turn, name="keep-awake", daemon=True).start()


def main() -> None:
    told = clock.given()
    timer = clock.Clock(told["messages"])
    app = application(told["vhost"], told["queue"])

    @app.task(name="noop")
    def noop(_payload: str) -> None:
        timer.in_hand()

    if told.get("publish"):
        with app.connection_for_write() as connection:  # closing it waits until the broker has all
            producer = app.amqp.Producer(connection)
            for _ in range(timer.messages):
                noop.apply_async((told["payload"],), producer=producer)
        timer.report()
        return
    count_acks(timer)
    worker_ready.connect(keep_awake)
    app.conf.worker_prefetch_multiplier = told["prefetch"] // told["concurrency"]
    worker = app.Worker(
        pool=told["pool"],
        concurrency=told["concurrency"],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    )
    worker.start()
    timer.report()


if __name__ == "__main__":
    main()
