"""Whether messages would stay where they are sent to: asked of the broker before anything moves, and said in words.

The one check for whatever publishes: a move, a requeue, a replay, a restore, a single message. What would be lost
for certain is refused unless a person says that it may be.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import brokers, permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number, size
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.errors import NotFound, RabbitError, Refused, sentence
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.rabbit.topology import arriving, policies, settings
from mqadmin.rabbit.topology.arriving import Obstacle
from mqadmin.rabbit.types import QueueInfo

PROBE_SECONDS = 2.0
_MOST_NAME = 255  # bytes of a queue's name
_HEAVY = ("history", "definitions", "facts", "nodes", "reasons")  # of a broker's row, which is not asked for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdict:
    """What is known of a destination. `stops`: why what is sent would not get there; `loses`: what would be lost;
    `tells`: what one should know. `fits`: how many there is room for, None: all. `info`: None where it is away."""

    info: QueueInfo | None = None
    stops: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    fits: int | None = None
    code: str = field(default="no_room", kw_only=True)

    def refuse(self, *, allow_loss: bool, fields: Sequence[str] = ()) -> None:
        """Raise Refusal (409) unless it may go on. `fields`: of a form, to which the reasons belong."""
        if self.stops:
            text = prose.paragraph((*self.stops, *self.loses))
            raise Refusal(text, self.code, fields=dict.fromkeys(fields, text))
        if self.loses and not allow_loss:
            text = prose.paragraph(self.loses)
            raise Refusal(text, "would_lose", fields=dict.fromkeys(fields, text))


def not_theirs(*, broker: str, vhost: str, queue: str | None) -> Refusal | None:
    """Return why who asks may not send messages to a queue, or (None) to whatever an exchange leads to; None where
    they may. One that they may not see is not there."""
    try:
        permissions.require(broker, vhost, queue)
    except Http404:
        words = _("There is no queue “%(name)s” in vhost %(vhost)s.")
        return Refusal(words % {"name": queue or "", "vhost": vhost}, "no_destination")
    except PermissionDenied as error:
        return Refusal(str(error), "forbidden", status=403)
    return None


def require_theirs(*, broker: str, vhost: str, queue: str, fields: Sequence[str] = ()) -> None:
    """Raise Refusal (409, 403) where who asks may not send messages to a queue. `fields`: of a form, to blame."""
    if refusal := not_theirs(broker=broker, vhost=vhost, queue=queue):
        named = dict.fromkeys(fields, refusal.text)
        raise Refusal(refusal.text, refusal.code, status=refusal.status, fields=named)


def check(*, broker: str, vhost: str, queue: str, count: int, mean_bytes: float = 0) -> Verdict:
    """Return what would become of `count` messages, of `mean_bytes` each, that go to `queue` now.

    Raises RabbitError when the broker cannot be asked.
    """
    try:
        info = now(broker, vhost, queue)
    except NotFound:
        words = _("There is no queue “%(name)s” in vhost %(vhost)s.") % {"name": queue, "vhost": vhost}
        return Verdict(stops=(words,), code="no_destination")
    return judged(info, count, mean_bytes)


def require_room(
    *,
    broker: str,
    vhost: str,
    queue: str,
    size: int,
    allow_loss: bool,
    fields: Sequence[str] = ("routing_key",),
) -> None:
    """Raise Refusal (409) where one message of `size` bytes would not stay in `queue`, or another go for it.

    That there is no such queue is the broker's to say: it returns the message. Where the management API cannot be
    asked nothing is known against it.
    """
    try:
        found = check(broker=broker, vhost=vhost, queue=queue, count=1, mean_bytes=size)
    except RabbitError as error:
        log.warning("it is not known whether %s has room: %s", queue, error)
        return
    if found.info is not None:
        found.refuse(allow_loss=allow_loss, fields=fields)


Key = tuple[str, str, str]  # broker, vhost, name
_read: ContextVar[Mapping[Key, Queue] | None] = ContextVar("queues that were read together", default=None)


@contextmanager
def read_together(keys: Iterable[Key]) -> Iterator[None]:
    """Within, `seen` knows these queues already: one query for all of them."""
    wanted = set(keys)
    rows = Queue.objects.filter(name__in={name for _slug, _vhost, name in wanted}, gone_at=None)
    values = rows.select_related("broker").defer(*(f"broker__{name}" for name in _HEAVY)) if wanted else ()
    token = _read.set({(row.broker.slug, row.vhost, row.name): row for row in values})
    try:
        yield
    finally:
        _read.reset(token)


def seen(broker: str, vhost: str, name: str) -> Queue | None:
    """Return a queue as the monitor saw it last, None for one that it does not see."""
    known = _read.get()
    if known is not None:
        return known.get((broker, vhost, name))
    return Queue.objects.filter(broker__slug=broker, vhost=vhost, name=name, gone_at=None).first()


def sampled(queue: Queue, count: int, mean_bytes: float = 0) -> Verdict:
    """Return the verdict by what the monitor saw last, to be shown before somebody acts: nobody is asked."""
    return judged(
        QueueInfo(
            queue.vhost,
            queue.name,
            queue.type,
            durable=queue.durable,
            auto_delete=queue.auto_delete,
            exclusive=queue.exclusive,
            state=queue.state or None,
            ready=queue.ready,
            consumers=queue.consumers,
            arguments=queue.arguments,
            effective_policy=queue.effective_policy,
        ),
        count,
        mean_bytes,
    )


def outlook(queue: Queue) -> list[str]:
    """Return what becomes of messages that go to `queue` one after another, by what the monitor saw last."""
    verdict = sampled(queue, 1)
    found = [*verdict.stops, *verdict.loses, *verdict.tells]
    info = verdict.info
    if verdict.fits is None and info is not None and arriving.room(info) != (None, None):
        text = _(
            "“%(queue)s” holds at most %(limit)s. Full, it drops its oldest messages for those that come."
        )
        if settings.overflow(info) != "drop-head":
            text = _("“%(queue)s” holds at most %(limit)s. Full, it refuses what comes.")
        found.append(text % {"queue": queue.name, "limit": limits(info)})
    return found


def limits(info: QueueInfo) -> str:
    """Return how much a queue holds, in words."""
    messages, most = settings.number(info, "max-length"), settings.number(info, "max-length-bytes")
    known = [_messages(messages)] if messages is not None else []
    return prose.clause((*known, size(most) if most is not None else ""))


def _messages(count: int) -> str:
    return ngettext("%(n)s message", "%(n)s messages", count) % {"n": number(count)}


def now(broker: str, vhost: str, queue: str) -> QueueInfo:
    """Return the queue with the policies that are in force, and, where its length is limited, with how many are
    ready this instant. Raises RabbitError, NotFound among them."""
    client = brokers.client(broker)
    if len(queue.encode(errors="replace")) > _MOST_NAME:
        raise NotFound("The broker has no such object: queue.")
    return exactly(broker, refreshed(client, [client.queue(vhost, queue).info])[0])


def refreshed(client: ManagementClient, infos: Sequence[QueueInfo]) -> list[QueueInfo]:
    """Return queues of one virtual host with the policies that are in force now; as they are where the account may
    not read policies."""
    if not infos:
        return []
    vhost = infos[0].vhost
    try:
        found, by_operators = client.policies(vhost), client.operator_policies(vhost)
    except Refused as error:
        log.info("the policies of %s may not be read: %s", vhost, error)
        return list(infos)
    return [policies.in_force(info, found, by_operators) for info in infos]


def exactly(broker: str, info: QueueInfo) -> QueueInfo:
    """Return the queue with the number of its ready messages this instant, where its length is limited."""
    if settings.number(info, "max-length") is None or info.exclusive or info.state in arriving.UNAVAILABLE:
        return info
    ready, consumers = amqp.counts(brokers.config(broker), info.vhost, info.name)
    return replace(info, ready=ready, consumers=consumers)


def judged(info: QueueInfo, count: int, mean_bytes: float = 0) -> Verdict:
    """Return the verdict on a queue as it is known. Pure."""
    found = arriving.obstacles(info, count, mean_bytes)
    fits = [item.fits for item in found if item.fits is not None]

    def words(level: arriving.Level) -> tuple[str, ...]:
        return tuple(_in_words(item, info.name, count) for item in found if item.level == level)

    return Verdict(info, words("stops"), words("loses"), words("tells"), min(fits, default=None))


def forbidden(*, broker: str, vhost: str) -> str:
    """Return why the account may not publish through the default exchange, "" where it may.

    Tried with a message for no queue, which the broker returns. What it does not answer in time is not known.
    """
    probe = Outgoing("", f"mqadmin-check-{uuid.uuid4()}", b"")
    [receipt] = brokers.publisher(broker, vhost).publish_batch([probe], timeout_s=PROBE_SECONDS)
    return sentence(receipt.detail) if receipt.reason == "refused" else ""


def _in_words(item: Obstacle, queue: str, count: int) -> str:
    if item.code in ("drops_oldest", "refuses"):
        return _of_length(item, queue, count)
    values = {"queue": queue, "time": duration(item.limit / 1000), "value": item.value}
    return _WORDS[item.code]() % values


def _of_length(item: Obstacle, queue: str, count: int) -> str:
    fits = item.fits or 0
    values = {
        "queue": queue,
        "limit": size(item.limit) if item.in_bytes else _messages(item.limit),
        "n": number(count - fits),
    }
    if item.code == "drops_oldest":
        text = _(
            "“%(queue)s” holds at most %(limit)s: about %(n)s of its oldest messages would be dropped. %(rest)s"
        )
    else:
        text = _(
            "“%(queue)s” holds at most %(limit)s: about %(n)s would be refused and stay where they are. %(rest)s"
        )
    rest = ngettext("Only %(n)s more fits.", "Only %(n)s more fit.", fits) % {"n": number(fits)}
    return text % {**values, "rest": rest if fits else _("It is full.")}


_WORDS = {
    "unavailable": lambda: _("“%(queue)s” is not available: its state is %(value)s."),
    "exclusive": lambda: _("“%(queue)s” belongs to one connection, and ends with it."),
    "expire": lambda: _(
        "“%(queue)s” drops each message that nobody has taken %(time)s after it came: it has a TTL and no "
        "dead-letter exchange."
    ),
    "pass_on": lambda: _(
        "“%(queue)s” has a TTL: what nobody has taken after %(time)s is dead-lettered to “%(value)s”."
    ),
    "queue_expires": lambda: _(
        "Nobody uses “%(queue)s”: after %(time)s without a consumer it is deleted with all that is in it."
    ),
    "stream": lambda: _("“%(queue)s” is a stream: what is in it cannot be taken out again."),
    "transient": lambda: _("“%(queue)s” does not outlive a restart of the broker."),
    "deleted_with_consumers": lambda: _("“%(queue)s” is deleted when its last consumer leaves."),
}
