"""What becomes of the messages of one queue when its policies change. Pure.

Tried on 3.10.8, 4.0.5 and 4.3.6, where not said otherwise:
- Of a limit on length or bytes only ready messages count. What is too much goes at once, from the head,
  dead-lettered by the new definition. A queue that refuses publishes keeps what it has.
- A classic queue takes the new limits before the new overflow (rabbit_amqqueue_process:process_args_policy/1): one
  that dropped its head till now does so once more, though it refuses from now on. A quorum queue takes both at
  once.
- A TTL holds for messages that come after it: each keeps the time it came with.
- A queue that has consumers does not expire; else its time begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mqadmin.rabbit.effects.effect import Level, Statement
from mqadmin.rabbit.topology import settings
from mqadmin.rabbit.types import QueueInfo


def dropped(old: QueueInfo, new: QueueInfo) -> tuple[int, int, bool]:
    """Return how many messages go at once, the limit that makes it so, and whether that is one of bytes.

    By bytes it is an estimate by the mean size. 0 where the number of messages is not known.
    """
    ready, size = new.ready or 0, new.mean_bytes
    if not ready or not _drops(old, new):
        return 0, 0, False
    messages, most = settings.number(new, "max-length"), settings.number(new, "max-length-bytes")
    by_count = ready - messages if messages is not None else 0
    by_bytes = ready - int(most / size) if most is not None and size else 0
    if by_count >= by_bytes:
        return max(by_count, 0), messages or 0, False
    return by_bytes, most or 0, True


def statements(old: QueueInfo, new: QueueInfo, to: tuple[str, ...] = ()) -> Iterator[Statement]:
    """Yield what is to be said of a queue that has another definition. `to`: where its dead letters go."""
    if new.type == "stream":
        if any(_differs(old, new, name) for name in ("max-length-bytes", "max-age")):
            yield _said(new, "retention", "unknown")
        return
    yield from _length(old, new, to)
    yield from _time(old, new)
    if _differs(old, new, "delivery-limit"):
        limit, was = settings.number(new, "delivery-limit"), settings.number(old, "delivery-limit")
        if limit is not None and (was is None or limit < was):
            yield _said(new, "delivery_limit", "unknown", before=was, after=limit)


def _length(old: QueueInfo, new: QueueInfo, to: tuple[str, ...]) -> Iterator[Statement]:
    count, limit, in_bytes = dropped(old, new)
    exchange = settings.text(new, "dead-letter-exchange")
    if count:
        told: dict[str, Any] = {"count": count, "about": in_bytes, "limit": limit, "in_bytes": in_bytes}
        if to:
            yield _said(new, "dead_lettered", "tells", exchange=exchange, to=to, **told)
        else:
            yield _said(new, "dropped", "loses", **told)
    if settings.overflow(new) != "drop-head":
        left, most = (new.ready or 0) - count, settings.number(new, "max-length")
        was = settings.number(old, "max-length")
        if most is not None and left >= most and (settings.overflow(old) == "drop-head" or was != most):
            yield _said(new, "full", "stops", overflow=settings.overflow(new), limit=most)


def _time(old: QueueInfo, new: QueueInfo) -> Iterator[Statement]:
    was, ttl = settings.number(old, "message-ttl"), settings.number(new, "message-ttl")
    exchange = settings.text(new, "dead-letter-exchange")
    if ttl is not None and (was is None or ttl < was):
        level: Level = "loses" if exchange is None else "tells"
        yield _said(new, "ttl_shorter", level, ms=ttl, exchange=exchange)
    elif was is not None and was != ttl:
        yield _said(new, "ttl_longer", "tells", ms=ttl, messages=new.total)
    old_expires, expires = settings.number(old, "expires"), settings.number(new, "expires")
    if expires is not None and (old_expires is None or expires < old_expires):
        level = "tells" if new.consumers else "loses"
        in_use = bool(new.consumers)
        yield _said(new, "queue_expires", level, ms=expires, messages=new.total, in_use=in_use)


def _drops(old: QueueInfo, new: QueueInfo) -> bool:
    if new.type == "stream":
        return False
    will = settings.overflow(new) == "drop-head"
    return will or (new.type == "classic" and settings.overflow(old) == "drop-head")


def _differs(old: QueueInfo, new: QueueInfo, name: str) -> bool:
    values = [(item.arguments.get(f"x-{name}"), item.effective_policy.get(name)) for item in (old, new)]
    return values[0] != values[1]


def _said(info: QueueInfo, code: Any, level: Level, **params: Any) -> Statement:
    return Statement(code, level, info.name, params)
