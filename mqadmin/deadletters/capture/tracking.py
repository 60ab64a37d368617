"""Which dead-letter queues are captured: tracking one defines and starts its collector."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions import definitions
from consumers.models import Consumer, ConsumerProcess
from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.models import TrackedQueue
from mqadmin.queues.acts import source
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.topology import taking
from mqadmin.rabbit.types import QueueDetail

WINDOW = 2000  # letters that are committed and acked together, and a collector's prefetch
ABANDONED_AFTER = timedelta(seconds=30)
STATISTICS = timedelta(seconds=15)  # so late, at most, is what the broker counts
OWN_VHOST = "mqadmin"  # Celery's
OWN_QUEUES = ("mqadmin.delay.", "mqadmin.tasks")


def track(*, queue: Queue, by: Actor, force: bool = False) -> TrackedQueue:
    """Capture the letters of `queue` from now on.

    Raises Refusal where that is not possible, where somebody was first, where another program consumes from the
    queue, unless `force`, or where it would get nothing beside that; RabbitError when the broker cannot say whether
    the queue exists.
    """
    with _act("dead_letters.track", queue, by) as entry:
        if force:
            entry.detail = {"force": True}
        reason = refusal(queue)
        if reason:
            raise Refusal(reason, "not_trackable")
        detail = _detail(queue)
        reason = consumed(queue, _consumers(detail))
        if reason and not force:
            raise Refusal(reason, "consumed")
        if reason and (holder := taking.holder(detail)):
            raise Refusal(source.in_words(holder, queue.name), "held")
        tracked = _claim(queue, by)
        collector = _collector(queue, by, is_single_active=taking.is_single_active(detail))
        TrackedQueue.objects.filter(pk=tracked.pk).update(consumer=collector)
        Queue.objects.filter(pk=queue.pk).update(tracked=True)
        tracked.consumer = collector
        queue.tracked = True
    return tracked


def untrack(*, queue: Queue, by: Actor) -> None:
    """Stop capturing; letters that are stored stay. Raises Refusal when the queue is not tracked."""
    with _act("dead_letters.untrack", queue, by):
        tracked = TrackedQueue.objects.filter(**_address(queue)).select_related("consumer").first()
        if tracked is None or not TrackedQueue.objects.filter(pk=tracked.pk).delete()[0]:
            Queue.objects.filter(pk=queue.pk).update(tracked=False)
            raise Refusal(_("This queue is not tracked."), "not_tracked")
        Queue.objects.filter(pk=queue.pk).update(tracked=False)
        queue.tracked = False
        collector = tracked.consumer
        if collector is not None and collector.desired != Consumer.Desired.STOPPED:
            definitions.stop(consumer=collector, by=by)


def refusal(queue: Queue) -> str:
    """Return why `queue` cannot be tracked, in words, as far as the last sample tells; "" if it can."""
    if queue.gone_at is not None:
        return _("This queue no longer exists.")
    if queue.type == "stream":
        return _("This is a stream: nothing is ever taken from one, so there is nothing to capture.")
    if queue.exclusive:
        return _("This queue belongs to one connection: nobody else may consume from it.")
    if queue.auto_delete:
        return _("This queue deletes itself, with what is in it, when whoever captures it stops.")
    if queue.is_delay:
        return _("This is a delay queue: its messages expire back to where they came from by themselves.")
    if queue.vhost == OWN_VHOST or queue.name.startswith(OWN_QUEUES):
        return _("This queue belongs to mqadmin itself.")
    return ""


def consumed(queue: Queue, consumers: int | None) -> str:
    """Return in words that somebody else is among the `consumers` of `queue`: it would lose its messages to us."""
    if not consumers or TrackedQueue.objects.filter(**_address(queue)).exists():
        return ""
    # A collector that is being stopped, or that the broker's statistics still count, is not somebody else.
    is_late = Q(ended_at=None) | Q(ended_at__gte=timezone.now() - STATISTICS)
    own = {f"consumer__{name}": value for name, value in _address(queue).items()}
    collectors = ConsumerProcess.objects.filter(is_late, consumer__is_collector=True, **own)
    others = consumers - collectors.count()
    if others <= 0:
        return ""
    return ngettext(
        "%(n)d consumer works on this queue: tracking it would take its messages away.",
        "%(n)d consumers work on this queue: tracking it would take their messages away.",
        others,
    ) % {"n": others}


def untracked(broker: str) -> QuerySet[Queue]:
    """Return the dead-letter queues of a broker that nobody captures, and from which nobody consumes."""
    tracked = TrackedQueue.objects.filter(broker=broker, vhost=OuterRef("vhost"), queue=OuterRef("name"))
    is_inbox = Q(is_inbox=True) | Q(name=settings.MQADMIN_PARKING_QUEUE)
    return (
        Queue.objects.filter(is_inbox, ~Exists(tracked), broker__slug=broker, gone_at=None)
        .exclude(type="stream")
        .exclude(exclusive=True)
        .exclude(vhost=OWN_VHOST)
        .exclude(consumers__gt=0)
        .order_by("vhost", "name")
    )


def of(queue: Queue) -> TrackedQueue | None:
    """Return the tracking of `queue`, None when nobody captures it."""
    return TrackedQueue.objects.filter(**_address(queue)).select_related("consumer").first()


def too_large(tracked: TrackedQueue) -> str:
    """Return in words which letters its collector leaves in the queue for their size; "" for none."""
    running = ConsumerProcess.objects.filter(
        consumer=tracked.consumer_id, ended_at=None, state=ConsumerProcess.State.RUNNING
    )
    # While a collector runs it has nothing else to say.
    return running.exclude(state_reason="").values_list("state_reason", flat=True).first() or ""


def is_dead_letter_queue(queue: Queue) -> bool:
    """Whether dead letters end up in `queue`, so that tracking it makes sense."""
    return queue.is_inbox or queue.name == settings.MQADMIN_PARKING_QUEUE


def _claim(queue: Queue, by: Actor) -> TrackedQueue:
    """Return the row that makes the caller the one who tracks `queue`. Raises Refusal for whoever is second."""
    try:
        with transaction.atomic():
            return TrackedQueue.objects.create(**_address(queue), tracked_by=by.name)
    except IntegrityError:
        # Whoever was first may have died before the collector was made: then one other may take over.
        abandoned = TrackedQueue.objects.filter(
            **_address(queue), consumer=None, tracked_at__lt=timezone.now() - ABANDONED_AFTER
        )
        if not abandoned.update(tracked_by=by.name, tracked_at=timezone.now()):
            raise Refusal(_("This queue is tracked already."), "already_tracked") from None
        return TrackedQueue.objects.get(**_address(queue))


def _consumers(detail: QueueDetail) -> int | None:
    return len(detail.consumer_details) or detail.info.consumers


def _detail(queue: Queue) -> QueueDetail:
    """Return the queue as it is now. Raises Refusal (404) where there is no such queue, RabbitError."""
    try:
        return brokers.client(queue.broker.slug).queue(queue.vhost, queue.name)
    except NotFound:
        raise Refusal(_("RabbitMQ has no such queue any more."), "queue_missing", status=404) from None


def _collector(queue: Queue, by: Actor, *, is_single_active: bool) -> Consumer:
    """Return the running collector of `queue`: the one of an earlier tracking, or a new one.

    Where RabbitMQ lets only one consumer be active itself, a classic queue refuses one that would be exclusive.
    """
    address = _address(queue)
    earlier = Consumer.objects.filter(is_collector=True, **address).order_by("pk").first()
    if earlier is not None:
        if earlier.desired == Consumer.Desired.PAUSED:
            return definitions.resume(consumer=earlier, by=by)
        if earlier.desired == Consumer.Desired.STOPPED:
            return definitions.start(consumer=earlier, by=by)
        return earlier
    fields = {
        **address,
        "handler": "collect",
        "desired": Consumer.Desired.RUNNING,
        "replicas": 1,
        "concurrency": 1,
        "prefetch": WINDOW,
        "records": Consumer.Records.OFF,
        "body_capture": Consumer.BodyCapture.NONE,
        "exclusive": not is_single_active,
        "single": is_single_active,
    }
    return definitions.create(by=by, name=_name(queue), is_collector=True, **fields)


def _name(queue: Queue) -> str:
    """Return a free name: after the queue, with a digest of its whole address where that is taken."""
    name = f"collect-{slugify(queue.name.replace('.', '-'))[:44]}".rstrip("-")
    # Names are of all brokers: also of consumers that who asks may not see.
    if name != "collect" and not Consumer._base_manager.filter(name=name).exists():
        return name
    address = "\0".join((queue.broker.slug, queue.vhost, queue.name))
    return f"{name}-{hashlib.blake2b(address.encode(), digest_size=4).hexdigest()}"


def _address(queue: Queue) -> dict[str, str]:
    return {"broker": queue.broker.slug, "vhost": queue.vhost, "queue": queue.name}


def _act(action: str, queue: Queue, by: Actor) -> AbstractContextManager[AuditEntry]:
    return audit.act(by=by, action=action, broker=queue.broker.slug, target=f"{queue.vhost}:{queue.name}")
