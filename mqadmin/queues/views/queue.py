"""One queue: live from the broker; where the broker does not answer, its last snapshot with its age."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.core import brokers, hooks, permissions
from mqadmin.core.models import Operation
from mqadmin.core.pages import formats, prose, rendering
from mqadmin.queues.acts import destination, snapshots
from mqadmin.queues.acts.destination import Verdict
from mqadmin.queues.forms.publish import PublishForm
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import caring, history, live_queue, presenting, returns, storage, wording
from mqadmin.queues.pages.broker_status import is_refusal, live_fault, status_of
from mqadmin.queues.pages.live_queue import LiveQueue
from mqadmin.queues.why import showing
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.peek import PeekRisk

COUNTS = (1, 5, 10, 25, 50)


@dataclass(frozen=True)
class Numbers:
    """What the page shows in large figures; None is unknown."""

    ready: int | None
    unacked: int | None
    total: int | None
    consumers: int | None
    publish_rate: float | None
    deliver_rate: float | None
    ack_rate: float | None
    redeliver_rate: float | None
    memory: int | None


@dataclass(frozen=True)
class Kept:
    """What a purge kept, and what would become of it in its queue, by what the monitor saw last."""

    purge: Operation
    total: int
    verdict: Verdict

    @property
    def loses(self) -> str:
        return prose.paragraph(self.verdict.loses)

    @property
    def stops(self) -> str:
        return prose.paragraph(self.verdict.stops)


def find(queue_id: int) -> Queue:
    """Return the queue of an address, with its broker. Raises Http404."""
    return get_object_or_404(Queue.objects.select_related("broker"), pk=queue_id)


@permissions.view.of("rows")
@require_safe
def queue_detail(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Verdict, live numbers, charts, consumers, dead letters, bindings, settings, and what can be done."""
    queue = find(queue_id)
    brokers.show(request, queue.broker.slug)
    permissions.about(request, queue.broker.slug, queue.vhost, queue.name)
    live = live_queue.ask(queue)
    context = base(queue) | {
        "live": live,
        "numbers": _numbers(queue, live),
        "fault": live_fault(live.error) if live.error and not (live.gone or live.is_down) else None,
        "panels": hooks.queue_panel(queue, request),
        "told": wording.told(queue, on_page=True),
        "broker_says": _broker_says(live),
        "by_priority": returns.by_priority(live.detail) if live.detail else [],
        "stored": storage.told(live.detail) if live.detail else [],
        "next_retry": _next_retry(live),
        **showing.context(queue, live),
    }
    if not rendering.wants_fragment(request):
        risk = live_queue.peek_risk(queue, live.detail) if live.detail else None
        context |= _settled(queue, live) | {"risk": risk} | _denials(request, queue, live, risk)
        shown = history.asked(request)
        happened = history.happened(shown, queue.broker.slug, (queue.vhost, queue.name))
        context |= history.menu(shown) | {"happened": happened}
    return rendering.page(request, "queues/detail.html", context, fragment="queues/_live.html")


def base(queue: Queue) -> dict[str, Any]:
    """Return what every page about one queue shows."""
    return {
        "queue": queue,
        "row": presenting.row(queue, time.time()),
        "broker_status": status_of(queue.broker.slug),
        "is_gone": queue.gone_at is not None,
        "care": caring.of(queue),
        "would_lose": prose.paragraph(destination.sampled(queue, 1).loses),
    }


def _settled(queue: Queue, live: LiveQueue) -> dict[str, Any]:
    """Return what is asked for once, when the page is opened: it does not change by the second."""
    detail = live.detail
    try:
        bindings, bindings_fault = (live_queue.bindings(queue) if detail else []), ""
    except RabbitError as error:
        bindings, bindings_fault = [], str(error)
    info = detail.info if detail else None
    doors = hooks.queue_doors(queue) if detail else None
    return {
        "counts": COUNTS,
        "doors": doors,
        "bindings": [(item, doors.unbind(item) if doors and item.source else "") for item in bindings],
        "bindings_fault": bindings_fault,
        "arguments": presenting.settings_of(dict(info.arguments) if info else queue.arguments),
        "policy": (info.policy or "") if info else queue.policy,
        "operator_policy": (info.operator_policy or "") if info else "",
        "effective_policy": presenting.settings_of(
            dict(info.effective_policy) if info else queue.effective_policy
        ),
        "returns": returns.told(detail) if detail else [],
        "form": PublishForm(),
        "kept": [
            Kept(purge, total, destination.sampled(queue, total)) for purge, total in snapshots.of(queue)
        ],
    }


def _denials(request: HttpRequest, queue: Queue, live: LiveQueue, risk: PeekRisk | None) -> dict[str, str]:
    """Return why this person cannot act on this queue now, for each act; "" where one can."""
    denied = permissions.denial_of(request, "operate")
    absent = ""
    if live.gone:
        absent = _("The broker has no such queue any more.")
    elif live.is_down:
        absent = _("The queue is down.")
    elif live.error:
        refused = is_refusal(live.error.code)
        absent = f"{live_fault(live.error)[0]}." if refused else _("The broker does not answer.")
    unsafe = "" if risk is None or risk.allowed else risk.reason or ""
    stream = _("A stream cannot be purged.") if queue.type == "stream" else ""
    lacking = {} if denied or absent else live_queue.lacking(queue)
    unread, unwritten = lacking.get("read", ""), lacking.get("write", "")
    return {
        "peek_denied": denied or absent or unread or unsafe,
        "purge_denied": denied or absent or unread or stream,
        "move_denied": denied or absent or unread or unwritten or stream,
        "publish_denied": denied or absent or unwritten,
    }


def _numbers(queue: Queue, live: LiveQueue) -> Numbers:
    source = live.detail.info if live.detail else queue
    return Numbers(**{name: getattr(source, name) for name in Numbers.__dataclass_fields__})


def _next_retry(live: LiveQueue) -> datetime | None:
    """Return when the next of the delayed messages is ready again."""
    detail = live.detail
    if detail is None or not detail.info.delayed or detail.next_retry_at is None:
        return None
    return datetime.fromtimestamp(detail.next_retry_at, UTC)


def _broker_says(live: LiveQueue) -> str:
    """Return what the broker itself tells of the oldest message, beside our estimate."""
    detail = live.detail
    if detail is None:
        return ""
    head, first = live_queue.at(detail.head_at), live_queue.at(detail.first_at)
    if head is not None:
        return _("By its publisher's timestamp the message at the head is from %(at)s.") % {
            "at": _moment(head)
        }
    if first is not None:
        return _("The first message that the stream still holds was written %(at)s.") % {"at": _moment(first)}
    if not detail.first_is_counted and detail.info.total:
        return _(
            "From when its first message is, RabbitMQ tells once the stream has filled a segment of its log, where "
            "its age or length is limited, or else once its node was started again."
        )
    return ""


def _moment(at: datetime) -> str:
    return formats.moment(at, "j M Y H:i:s")
