"""Collectors: where one finds its sink, which `mqadmin.deadletters` registers and `consumers` may not import; how
many messages it takes at once; and what it does with letters that are too large for the database.

A letter larger than the cap is not stored: it stays in its queue, unacked, held by the collector, which has dropped
its body. Held letters do not count towards the prefetch, so that those behind them are captured.
RabbitMQ lets nobody hold a message for longer than 30 minutes (its
`consumer_timeout`), so after a while the channel is opened anew, and they are delivered again.

A queue with a delivery limit would give a letter up that is returned too often: a large one, or any while a
collector dies again and again. One that has few returns left is put aside: published to the queue <name>.aside,
which has no limit, confirmed, and only then acked with the rest of its window.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pika.adapters.select_connection import IOLoop
from pika.spec import Basic, BasicProperties

from consumers.models import Consumer
from consumers.process import definition_spec
from consumers.runtime import process
from consumers.runtime.sink import Reporter, SinkUnavailable, WindowSink
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.windows.admission import Beside, Collector
from consumers.runtime.windows.collecting import Collecting
from mqadmin.core import brokers
from mqadmin.core.rows import batches
from mqadmin.queues.acts import destination, source
from mqadmin.rabbit import amqp
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.headers import ACQUIRED_COUNT, DELIVERY_COUNT
from mqadmin.rabbit.management_api import peek
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.rabbit.topology import taking

SinkFactory = Callable[[Consumer], WindowSink]

WINDOW_BYTES = 64 * 1024 * 1024  # bodies of one window, about: what a collector has in memory
FIRST_WINDOW = 2_000
REFRESH_SECONDS = 20 * 60.0
ASK_SECONDS = 60.0  # how old the queue's delivery limit may be
MOST_HELD = 1_000  # more are put aside
ASIDE = ".aside"
# Of a delivery limit: with so few left a large letter is not held any more, and no other is taken into a window;
# of a low limit fewer: one restart must not put a whole window aside.
_RETURNS_LEFT = 5
_LAST_RETURNS = 3

log = logging.getLogger("mqadmin.consumer")

_factories: list[SinkFactory] = []


def register(factory: SinkFactory) -> None:
    """Make `factory` the source of letter sinks, one per collector process. Called while apps get ready."""
    _factories[:] = [factory]


def sink(consumer: Consumer) -> WindowSink:
    """Return a sink for the queue of `consumer`. Raises LookupError when nobody registered one."""
    if not _factories:
        raise LookupError("no app stores captured letters")
    return _factories[0](consumer)


def letter_bytes() -> int:
    """Return the size in bytes above which a letter stays in its queue."""
    return int(settings.MQADMIN_LETTER_BYTES)


@dataclass(frozen=True)
class Limits:
    """What a collector keeps to: the `cap` of a letter in bytes, the queue's delivery limit (None: none), how
    many messages its first window takes. `held`: in words, that another consumer gets all that is in the queue."""

    cap: int
    delivery_limit: int | None = None
    first_window: int = FIRST_WINDOW
    held: str = ""


def limits(spec: ConsumerSpec) -> Limits:
    """Return the limits for the queue as RabbitMQ tells of it now. Where it cannot be asked, a letter that was
    returned once is put aside: nobody knows how often it may be."""
    try:
        return _limits_now(spec)
    except RabbitError as error:
        log.warning("%s: its delivery limit is not known: %s", spec.queue, error)
        return Limits(letter_bytes(), delivery_limit=_RETURNS_LEFT + 1)


def _limits_now(spec: ConsumerSpec) -> Limits:
    client = brokers.client(spec.broker.slug)
    detail = client.queue(spec.vhost, spec.queue)
    info, holder = detail.info, taking.holder(detail)
    limit = peek.delivery_limit(client, info, client.overview().version)
    first = batches.count(info.mean_bytes, FIRST_WINDOW, WINDOW_BYTES)
    is_ours = holder is not None and (
        holder.consumer is None or holder.consumer.tag.startswith(f"mqadmin.{spec.name}.")
    )
    held = "" if holder is None or is_ours else source.in_words(holder, spec.queue)
    return Limits(letter_bytes(), limit, first, held)


def collect(consumer: Consumer, reporter: Reporter) -> process.Process:
    """Return the process that captures the queue of `consumer`. Raises LookupError, ConfigurationError."""
    spec = definition_spec.spec(consumer)
    return work(spec, sink(consumer), reporter, limits(spec))


def work(spec: ConsumerSpec, sink: WindowSink, reporter: Reporter, limits: Limits) -> process.Process:
    """Return the process that stores what `spec.queue` holds, but for what is too large."""
    return process.Process(
        spec,
        reporter,
        lambda made: Collecting(
            made.loop,
            spec,
            sink,
            reporter,
            CappedAdmission(made.loop, spec, reporter, limits),
            tag=process.consumer_tag(spec),
            fatal=made.fatal,
        ),
    )


class CappedAdmission:
    """Admits to a collector's windows what is not too large, and as many at once as fit into WINDOW_BYTES.

    An `Admission`, whose threads are its own. It holds what is too large, or has it put aside.
    """

    def __init__(self, loop: IOLoop, spec: ConsumerSpec, reporter: Reporter, limits: Limits) -> None:
        self._loop = loop
        self._spec = spec
        self._reporter = reporter
        self._keep_to(limits)
        self._collector: Collector | None = None
        self._most = min(limits.first_window, spec.prefetch)
        self._bytes = 0  # bodies of the window in hand
        self._held: dict[int, int] = {}  # delivery tag -> size
        self._new_held = 0  # of the window in hand
        self._aside: list[tuple[int, Outgoing]] = []  # of the window in hand, with their delivery tags
        self._put_aside = 0
        self._surplus: list[int] = []  # delivery tags that are more than fits: they are given back
        self._held_since = 0.0

    @property
    def prefetch(self) -> int:
        return self._most

    @property
    def holds(self) -> bool:
        return bool(self._held)

    # --- what it keeps to --------------------------------------------------------------------------------

    def start(self, collector: Collector) -> None:
        self._collector = collector
        self._loop.call_later(ASK_SECONDS, self._ask_again)

    def _ask_again(self) -> None:
        """Have RabbitMQ asked, beside the I/O thread: a policy may give the queue another limit any time."""
        threading.Thread(target=self._ask, name="limits", daemon=True).start()

    def _ask(self) -> None:
        found = self._limits
        try:
            found = _limits_now(self._spec)
        except RabbitError as error:
            log.info("%s: its delivery limit is taken for the one it had: %s", self._spec.queue, error)
        except Exception:
            log.exception("%s: its delivery limit could not be read", self._spec.queue)
        with suppress(Exception):  # the loop has ended
            self._loop.add_callback_threadsafe(partial(self._asked, found))

    def _asked(self, limits: Limits) -> None:
        if limits.delivery_limit != self._limits.delivery_limit:
            log.info("%s has the delivery limit %s now", self._spec.queue, limits.delivery_limit)
        was_held = self._limits.held
        self._keep_to(limits)
        if limits.held != was_held:
            self._tell()
        self._loop.call_later(ASK_SECONDS, self._ask_again)

    def _keep_to(self, limits: Limits) -> None:
        self._limits = limits
        self._last_returns = min(_LAST_RETURNS, max(1, (limits.delivery_limit or 0) // 4))

    # --- what is taken -----------------------------------------------------------------------------------

    def takes(self, in_window: int, method: Basic.Deliver, properties: BasicProperties, body: bytes) -> bool:
        tag = method.delivery_tag or 0
        if len(body) > self._limits.cap:
            self._too_large(tag, properties, body)
        elif self._came_past_limit(properties):
            self._bytes += len(body)
            return True  # at once, however much there is: it cannot bear to be given back
        elif method.redelivered and self._is_near_limit(properties, self._last_returns):
            self._put_away(tag, properties, body)
        elif self._bytes + len(body) > 2 * WINDOW_BYTES and in_window:
            self._surplus.append(tag)
        else:
            self._bytes += len(body)
            return True
        return False

    def is_full(self, in_window: int) -> bool:
        taken = in_window + self._new_held + len(self._surplus)
        return bool(self._aside) or taken >= self._most or self._bytes > WINDOW_BYTES

    def _too_large(self, tag: int, properties: BasicProperties, body: bytes) -> None:
        if self._is_near_limit(properties, _RETURNS_LEFT) or len(self._held) >= MOST_HELD:
            self._put_away(tag, properties, body)
            return
        self._new_held += 1
        self._held[tag] = len(body)
        if len(self._held) == 1:
            self._held_since = time.monotonic()
            self._loop.call_later(REFRESH_SECONDS, self._refresh)
        self._tell()

    def _put_away(self, tag: int, properties: BasicProperties, body: bytes) -> None:
        """Have a letter published to the queue beside, and acked with the window, which ends here."""
        self._new_held += 1
        self._held[tag] = len(body)
        copy = Outgoing("", self._spec.queue + ASIDE, body, Properties.from_pika(properties))
        self._aside.append((tag, copy))

    def _is_near_limit(self, properties: BasicProperties, left: int) -> bool:
        """Whether the queue returns a letter so few times more before it gives it up."""
        limit = self._limits.delivery_limit
        returned = (properties.headers or {}).get(DELIVERY_COUNT, 0)
        return limit is not None and isinstance(returned, int) and returned + left >= limit

    def _came_past_limit(self, properties: BasicProperties) -> bool:
        """Whether a letter brought a count above the limit with it, which RabbitMQ has it do from 4.3 on.

        It was never returned here: it would be gone.
        """
        headers, limit = properties.headers or {}, self._limits.delivery_limit
        brought = headers.get(DELIVERY_COUNT, 0) if ACQUIRED_COUNT in headers else 0
        return limit is not None and isinstance(brought, int) and brought > limit

    # --- a window's way ----------------------------------------------------------------------------------

    def ended(self) -> Beside | None:
        self._new_held = 0
        aside, self._aside = self._aside, []
        if not aside:
            return None
        return Beside(partial(self._publish_aside, aside), [tag for tag, _copy in aside])

    def _publish_aside(self, aside: list[tuple[int, Outgoing]]) -> None:
        """Publish what cannot be held, confirmed. Committer thread."""
        if not aside:
            return  # tried again after that
        spec = self._spec
        try:
            amqp.declare_queue(
                spec.broker, spec.vhost, spec.queue + ASIDE, arguments={"x-queue-type": "classic"}
            )
            sizes = [len(item.body) for _tag, item in aside]
            told = destination.check(
                broker=spec.broker.slug,
                vhost=spec.vhost,
                queue=spec.queue + ASIDE,
                count=len(aside),
                mean_bytes=sum(sizes) / len(sizes),
            )
            if told.stops or told.loses:  # a policy for every queue, perhaps
                raise SinkUnavailable(" ".join((*told.stops, *told.loses)))
            publisher = brokers.publisher(spec.broker.slug, spec.vhost)
            receipts = publisher.publish_batch([item for _tag, item in aside])
        except RabbitError as error:
            raise SinkUnavailable(str(error)) from error
        refused = next((receipt for receipt in receipts if not receipt.ok), None)
        if refused is not None:
            raise SinkUnavailable(refused.detail or refused.reason)
        aside.clear()

    def kept(self, beside: Beside) -> None:
        for tag in beside.tags:
            self._held.pop(tag, None)
        self._put_aside += len(beside.tags)
        self._reporter.event("too_large", self.words)
        self._tell()

    def stored(self, count: int) -> Sequence[int]:
        """Take more the next time, or fewer: as many as fit."""
        if count:
            most = min(2 * self._most, self._spec.prefetch)
            self._most = batches.count(self._bytes / count, most, WINDOW_BYTES)
        surplus, self._bytes, self._surplus = self._surplus, 0, []
        return surplus

    def channel_gone(self) -> None:
        self._held, self._new_held, self._aside = {}, 0, []
        self._surplus, self._bytes = [], 0

    def _refresh(self) -> None:
        """Give the held letters back before RabbitMQ's patience ends; they are delivered again at once."""
        if not self._held or self._collector is None:
            return
        rest = REFRESH_SECONDS - (time.monotonic() - self._held_since)
        if rest > 0 or not self._collector.reopen():
            self._loop.call_later(max(rest, 1.0), self._refresh)

    # --- words -------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        if self._collector is not None:
            self._collector.tell()

    @property
    def words(self) -> str:
        size, queue = _megabytes(self._limits.cap), self._spec.queue
        held, aside = len(self._held) - len(self._aside), self._put_aside
        parts = [self._limits.held.rstrip(".")] if self._limits.held else []
        if held:
            parts.append(
                ngettext(
                    "%(n)d letter larger than %(size)s stays in queue %(queue)s",
                    "%(n)d letters larger than %(size)s stay in queue %(queue)s",
                    held,
                )
                % {"n": held, "size": size, "queue": queue}
            )
        if aside:
            parts.append(
                ngettext(
                    "%(n)d was put aside into queue %(queue)s, before it was returned too often",
                    "%(n)d were put aside into queue %(queue)s, before they were returned too often",
                    aside,
                )
                % {"n": aside, "queue": queue + ASIDE}
            )
        return "; ".join(parts)


def _megabytes(size: int) -> str:
    if size < 1_000_000:
        return _("%(n)d bytes") % {"n": size}
    return _("%(n)g MB") % {"n": round(size / 1_000_000, 1)}
