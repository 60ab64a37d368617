"""One queue, asked from the broker itself: live numbers, consumers, bindings, history, what a peek would do."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core import brokers, patience
from mqadmin.queues.health.facts import DOWN_STATES
from mqadmin.queues.models import Queue
from mqadmin.rabbit.administration import past
from mqadmin.rabbit.errors import NotFound, RabbitError, Refused
from mqadmin.rabbit.management_api import peek as rabbit_peek
from mqadmin.rabbit.management_api.peek import PeekRisk
from mqadmin.rabbit.types import BindingInfo, PermissionInfo, QueueDetail, Series


@dataclass(frozen=True)
class LiveQueue:
    """What the broker said just now, or why it could not be asked.

    `gone`: the broker answered that it has no such queue. `detail` None: see `error`. `is_down`: it lists the
    queue, but says nothing of it, as its node is away (tried on 3.10.8).
    """

    detail: QueueDetail | None = None
    error: RabbitError | None = None
    gone: bool = False
    is_down: bool = False


def ask(queue: Queue) -> LiveQueue:
    """Ask the broker for one queue with its consumers (2 to 4 ms). Never raises RabbitError.

    One that hangs is not asked again for a moment: each look would hold a thread of the web until its timeout.
    """
    slug = queue.broker.slug
    try:
        with patience.asking(slug):
            return LiveQueue(brokers.client(slug).queue(queue.vhost, queue.name))
    except NotFound as error:
        is_down = queue.gone_at is None and queue.state in DOWN_STATES
        return LiveQueue(error=error, gone=not is_down, is_down=is_down)
    except RabbitError as error:
        return LiveQueue(error=error)


@dataclass(frozen=True)
class Member:
    """A node that holds a copy of a queue."""

    node: str
    online: bool
    leads: bool


def members(detail: QueueDetail | None) -> list[Member]:
    """Return who holds a copy of the queue, in the order of their names; none of a classic queue."""
    if detail is None:
        return []
    info = detail.info
    return [Member(node, node not in info.away, node == info.node) for node in sorted(info.members)]


def lacking(queue: Queue) -> dict[str, str]:
    """Return the permissions on the queue's virtual host that mqadmin's user lacks: "read" and "write", each with a
    sentence. {} where it has them, and where it may not ask: then the broker says no to the act.
    """
    config = brokers.config(queue.broker.slug)
    user = config.username
    if user != config.auth()[0] or time.monotonic() < _may_not_ask.get(config.slug, 0):
        return {}
    try:
        found = brokers.for_page(config.slug).permission(queue.vhost, user)
    except Refused:
        _may_not_ask[config.slug] = time.monotonic() + _ASK_AGAIN_S
        return {}
    except RabbitError:
        return {}
    allowed = found or PermissionInfo()
    needed = {"read": (allowed.read, queue.name), "write": (allowed.write, _DEFAULT_EXCHANGE)}
    return {
        right: _(
            "The broker's user “%(user)s” lacks the %(right)s permission on “%(name)s” in vhost “%(vhost)s”."
        )
        % {"user": user, "right": right, "name": name, "vhost": queue.vhost}
        for right, (pattern, name) in needed.items()
        if not _matches(pattern, name)
    }


_DEFAULT_EXCHANGE = "amq.default"  # by this name its permission is asked for
_ASK_AGAIN_S = 300.0
_may_not_ask: dict[str, float] = {}  # until when: each refusal is a line in the broker's log


def _matches(pattern: str, name: str) -> bool:
    """Tell whether a permission's expression matches; one that only Erlang understands is taken to."""
    try:
        return re.search(pattern or "^$", name) is not None
    except re.error:
        return True


def bindings(queue: Queue) -> list[BindingInfo]:
    """Return what routes to the queue, the default exchange last. Raises RabbitError."""
    found = brokers.for_page(queue.broker.slug).queue_bindings(queue.vhost, queue.name)
    return sorted(found, key=lambda item: (item.source == "", item.source, item.routing_key))


def peek_risk(queue: Queue, detail: QueueDetail) -> PeekRisk:
    """Judge what a peek would do to the queue, by its policies as they are now where they can be asked for."""
    product, version = queue.broker.product, queue.broker.version
    try:
        return rabbit_peek.ask(brokers.for_page(queue.broker.slug), detail, product, version)
    except RabbitError:
        return rabbit_peek.assess(detail, product, version)


def history(queue: Queue) -> dict[str, dict[str, list[list[float]]]]:
    """Return the last hour of the queue as the broker kept it: {"lengths": {name: points}, "rates": ...}.

    Asked twice: the broker keeps the last ten minutes by 5 s and the hour by 60 s (its sample retention), and
    a finer step over the coarse part would show a staircase of zeros and peaks. Raises RabbitError.
    """
    client = brokers.for_page(queue.broker.slug)
    coarse = client.queue(queue.vhost, queue.name, lengths=past.HOUR, rates=past.HOUR)
    fine = client.queue(queue.vhost, queue.name, lengths=past.RECENT, rates=past.RECENT)
    return {
        "lengths": {name: _line(coarse.lengths, name, fine.lengths) for name in fine.lengths},
        "rates": {name: _line(coarse.rates, name, fine.rates) for name in fine.rates},
    }


def _line(coarse: Mapping[str, Series], name: str, fine: Mapping[str, Series]) -> list[list[float]]:
    return past.points(past.joined(coarse.get(name, ()), fine[name]))


def updated(queue: Queue, detail: QueueDetail) -> Queue:
    """Return `queue`, unsaved, with what the broker says of it just now; verdict and routes as last sampled."""
    queue.broker.sampled_at = timezone.now()
    for name in _LIVE:
        setattr(queue, name, getattr(detail.info, name))
    queue.members = members(detail)  # type: ignore[attr-defined]
    queue.state, queue.policy = detail.info.state or "", detail.info.policy or ""
    queue.arguments = dict(detail.info.arguments)
    queue.effective_policy = dict(detail.info.effective_policy)
    vars(queue).update(  # what its row has no column for
        delayed=detail.info.delayed,
        delivery_limit=detail.info.delivery_limit,
        delayed_retry=detail.delayed_retry,
        next_retry_at=at(detail.next_retry_at),
        head_at=at(detail.head_at),
        first_at=at(detail.first_at),
        by_priority=dict(detail.by_priority),
    )
    return queue


def at(epoch: float | None) -> datetime | None:
    """Return the moment; None for one that no calendar has: publishers write what they like."""
    try:
        return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None


_LIVE = (
    "type",
    "ready",
    "unacked",
    "total",
    "consumers",
    "publish_rate",
    "deliver_rate",
    "ack_rate",
    "durable",
    "auto_delete",
    "exclusive",
)
