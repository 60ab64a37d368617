"""From a queue to the `Facts` about it: its broker is asked, seldom where nothing changes by the second."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from mqadmin.core import brokers, hooks
from mqadmin.core.hooks import Reader
from mqadmin.core.rights import naming
from mqadmin.queues.models import Queue
from mqadmin.queues.monitor.observing import moment
from mqadmin.queues.pages import live_queue
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.queues.pages.live_queue import LiveQueue
from mqadmin.queues.why.facts import Facts, Holder, Seen
from mqadmin.queues.why.upstream import ASKED, Upstream, alternates, publishers, walk
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.types import BindingInfo, ChannelLoad, QueueDetail, QueueInfo, ReplicaInfo

T = TypeVar("T")
FRESH_S = 10.0  # so long what surrounds a queue is not asked for again, however many look
_KEPT = 500
_CHANNELS = 50  # whose load is asked for, at the most
_answers: dict[tuple[str, ...], tuple[float, Any]] = {}  # by what, broker, vhost, name


def facts(queue: Queue, live: LiveQueue) -> Facts:
    """Return what is known of a queue; `live`: what the broker just said of it. Three calls at the most, and those
    not again for ten seconds."""
    detail = live.detail
    readers = hooks.queue_readers(queue)
    memory, slug = queue.facts, queue.broker.slug
    return Facts(
        info=detail.info if detail else _as_sampled(queue),
        seen=_seen(queue, live),
        fault=" ".join(filter(None, live_fault(live.error)[:2])) if live.error else "",
        detail=detail,
        holders=_holders(queue, detail, readers),
        readers=readers,
        bindings=bindings(queue) if detail else None,
        alarms=tuple(sorted({str(alarm.get("resource")) for alarm in queue.broker.alarms})),
        dead_letters_to=tuple(naming.seen(slug, queue.vhost, queue.dead_letters_to)),
        dead_letter_fault=queue.dead_letter_fault,
        dead_letters_from=tuple(naming.seen(slug, queue.vhost, queue.dead_letters_from)),
        is_inbox=queue.is_inbox,
        is_delay=queue.is_delay,
        delay_ms=queue.delay_ms,
        stalled_at=_latch(memory, "stalled"),
        absent_at=_latch(memory, "absent"),
        active_at=memory.get("active_at") or memory.get("idle_at"),
    )


def _seen(queue: Queue, live: LiveQueue) -> Seen:
    if live.detail:
        return "live"
    if live.is_down:
        return "down"
    return "gone" if live.gone or queue.gone_at is not None else "unasked"


def _latch(memory: dict[str, Any], name: str) -> float | None:
    since, is_on, _ending = memory.get(name) or (None, False, None)
    return since if is_on else None


def bindings(queue: Queue) -> list[BindingInfo] | None:
    """Return the bindings that lead to the queue, but for the default exchange's; None where they are not told."""

    def ask() -> list[BindingInfo]:
        return [item for item in live_queue.bindings(queue) if item.source]

    return _kept(("bindings", queue), ask)


def replicas(queue: Queue, detail: QueueDetail | None) -> dict[str, ReplicaInfo]:
    """Return the members of a quorum queue by their nodes, as far as the broker tells of them."""
    if detail is None or detail.info.type != "quorum" or len(detail.info.members) < 2:
        return {}
    client = brokers.for_page(queue.broker.slug)
    found = _kept(("replicas", queue), lambda: client.replicas(queue.vhost, queue.name)) or []
    return {item.node: item for item in found}


def upstream(queue: Queue, facts: Facts) -> Upstream:
    """Return what stands behind the exchanges of a queue, as far as the broker tells: nineteen calls at most,
    and those not again for ten seconds. Nothing for who may not see the whole virtual host: exchanges are its."""
    if facts.detail is None or facts.bindings is None:
        return Upstream()
    if not naming.holds("view", queue.broker.slug, queue.vhost):
        return Upstream()
    client = brokers.for_page(queue.broker.slug)

    def ask(name: str) -> list[BindingInfo] | None:
        return _kept((f"to {name}", queue), lambda: client.exchange_bindings(queue.vhost, name))

    there = _kept(("alternates", queue), lambda: client.exchanges(queue.vhost))
    rest = None if there is None else alternates(there)
    passing, is_cut, met = walk((item.source for item in facts.bindings), ask, rest)
    # The default exchange is everybody's: who publishes to it may mean another queue.
    names = met[:ASKED] + ([""] if facts.detail.incoming.get("") else [])
    details = [
        detail
        for name in names
        if (detail := _kept((f"in {name}", queue), partial(client.exchange, queue.vhost, name))) is not None
    ]
    channels = [item for detail in details for item in detail.publishers]
    connections = sorted({item.connection for item in channels if item.connection})[:_CHANNELS]
    called = _kept(("called", queue), lambda: client.connection_names(connections)) if connections else {}
    # Somebody publishes there, and nobody is named: details are not kept.
    tells = bool(channels) or not any(detail.in_rate for detail in details)
    return Upstream(passing, is_cut, publishers(details, called or {}), tells)


def _holders(queue: Queue, detail: QueueDetail | None, readers: Sequence[Reader]) -> list[Holder]:
    if detail is None:
        return []
    loads: dict[str, ChannelLoad] = {}
    names = [item.channel for item in detail.consumer_details if item.channel][:_CHANNELS]
    if names and detail.info.unacked:
        client = brokers.for_page(queue.broker.slug)
        loads = {
            item.name: item for item in _kept(("loads", queue), lambda: client.channel_loads(names)) or []
        }
    found = []
    for consumer in detail.consumer_details:
        load = loads.get(consumer.channel or "") or ChannelLoad("")
        reader = next((reader for reader in readers if consumer.tag.startswith(reader.tag)), None)
        found.append(Holder(consumer, reader, load.unacked, moment(load.idle_since)))
    return found


def _kept(key: tuple[str, Queue], ask: Callable[[], T]) -> T | None:
    """Return what is asked for, or was a moment ago; None where the broker does not say."""
    what, queue = key
    place = (what, queue.broker.slug, queue.vhost, queue.name)
    now = time.monotonic()
    last = _answers.get(place)
    if last is not None and now - last[0] < FRESH_S:
        known: T | None = last[1]
        return known
    found: T | None = None
    with contextlib.suppress(RabbitError):
        found = ask()
    if len(_answers) >= _KEPT:
        _answers.clear()
    _answers[place] = (now, found)
    return found


def _as_sampled(queue: Queue) -> QueueInfo:
    return QueueInfo(
        vhost=queue.vhost,
        name=queue.name,
        type=queue.type,
        state=queue.state or None,
        ready=queue.ready,
        unacked=queue.unacked,
        total=queue.total,
        consumers=queue.consumers,
        node=queue.node or None,
        arguments=queue.arguments,
        effective_policy=queue.effective_policy,
    )
