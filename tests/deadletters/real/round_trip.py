"""Messages that die on a real broker, are captured by a real collector and requeued, seen raw before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from consumers.models import Consumer
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.deadletters.capture import windows
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.clean_copy import REQUEUE
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp
from tests.support.processes import manage
from tests.support.waiting import wait_until
from tests.support.wire import Raw, Wire, connect

# How a message can die -> the arguments of a queue in which it does.
WAYS: dict[str, dict[str, Any]] = {
    "rejected": {},
    "expired": {"x-message-ttl": 1},
    "maxlen": {"x-max-length": 0},
}
WITNESS, LANDING, DEAD = "witness", "landing", "dead"
_FAILURE = (b"x-death", b"x-first-death-", b"x-last-death-")
_RENAMED = {b"CC": b"mqadmin-original-CC", b"BCC": b"mqadmin-original-BCC"}
REQUEUE_ID = b"mqadmin-requeue-id"


class RoundTrip:
    """Three queues to die in, each behind a fanout exchange of its name, which feeds a witness too."""

    def __init__(self, config: BrokerConfig, vhost: str) -> None:
        self.config, self.vhost = config, vhost
        parts = urlsplit(config.amqp_url)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.url = f"amqp://{parts.netloc}/{vhost}"

    def declare(self) -> None:
        with amqp.channel(self.config, self.vhost) as channel:
            channel.exchange_declare("dlx", "fanout", durable=True)
            for name in (WITNESS, LANDING, DEAD):
                channel.queue_declare(name, durable=True)
            channel.queue_bind(DEAD, "dlx")
            for way, arguments in WAYS.items():
                channel.exchange_declare(way, "fanout", durable=True)
                channel.queue_declare(
                    way, durable=True, arguments={"x-dead-letter-exchange": "dlx", **arguments}
                )
                channel.queue_bind(WITNESS, way)
                channel.queue_bind(way, way)

    def wire(self) -> Wire:
        """Open a connection by hand."""
        return connect(self.config, self.vhost)

    @contextmanager
    def collecting(self, environ: dict[str, str]) -> Iterator[None]:
        """Have a collector process capture what dies meanwhile."""
        Consumer.objects.create(
            name="collect",
            broker="default",
            vhost=self.vhost,
            queue=DEAD,
            handler="collect",
            is_collector=True,
            desired="running",
            prefetch=500,
            exclusive=True,
        )
        with manage(environ, "run_consumer", "collect"):
            yield

    def run(self, way: str, count: int, publish: Callable[[], None]) -> list[tuple[Raw, Raw]]:
        """Have `publish` send `count` messages to exchange `way`, let them die, requeue them.

        Returns each as RabbitMQ first had it and as it came back, in order.
        """
        known = DeadLetter.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        publish()
        if way == "rejected":
            self.reject(way, count)
        rows = windows.settled().filter(pk__gt=known)
        wait_until(lambda: rows.count() >= count, 30, what=f"{count} letters captured")
        found = list(rows.order_by("pk"))
        assert [one.reason for one in found] == [way] * count
        to = To() if way == "rejected" else To("given", "", LANDING)
        chosen = selection.some("default", [one.pk for one in found])
        operation = requeue.start(selection=chosen, to=to, by=Actor("ann", "shell"))
        operations.execute(operation.pk)
        operation.refresh_from_db()
        problems = list(operation.problems.values_list("reason", flat=True))
        assert (operation.status, operation.done, problems) == ("done", count, [])
        with self.wire() as wire:
            before = [_taken(wire, WITNESS) for _ in range(count)]
            after = [_taken(wire, way if way == "rejected" else LANDING) for _ in range(count)]
        return list(zip(before, after, strict=True))

    def reject(self, queue: str, count: int) -> None:
        with amqp.channel(self.config, self.vhost) as channel:
            for _ in range(count):
                method, _properties, _body = channel.basic_get(queue)
                assert method is not None
                channel.basic_reject(method.delivery_tag or 0, requeue=False)


def _taken(wire: Wire, queue: str) -> Raw:
    found = wait_until(lambda: wire.get(queue), what=f"a message in {queue}")
    assert found is not None
    return found


def is_ours(name: bytes) -> bool:
    """Whether a header of this name tells of a failure, or is mqadmin's own: a requeue takes it out.

    Hypothesis knows such names: it reads the constants of the code that it tests.
    """
    text = name.decode(errors="replace")
    return text.startswith("mqadmin-") or text not in REQUEUE.headers({text: ""})


def check(before: Raw, after: Raw) -> None:
    """Fail unless the requeued copy is the message, but for what is documented."""
    assert after.body == before.body, "the body, byte for byte"
    want, got = before.meaning(), after.meaning()
    headers = dict(got.get("headers", {}))
    kind, requeue_id = headers.pop(REQUEUE_ID)
    assert kind == "S"
    assert requeue_id
    # A TTL would let the copy die again at once: RabbitMQ takes it out at the death.
    assert want.pop("expiration", b"0").isdigit()
    kept = {
        _RENAMED.get(name, name): value
        for name, value in want.pop("headers", {}).items()
        if not name.startswith(_FAILURE)
    }
    got.pop("headers")
    assert headers == kept
    assert got == want
