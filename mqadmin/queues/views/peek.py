"""Look at the messages at the head of a queue."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.queues.acts import peeking
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.queues.views.queue import base, find
from mqadmin.rabbit.errors import RabbitError, UnsafePeek
from mqadmin.rabbit.numbers import whole


@permissions.operate.of("rows")
@require_POST
def queue_peek(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Show the messages at the head of the queue, or why that was not done."""
    queue = find(queue_id)
    count = whole(request.POST.get("count", ""), 3)
    context = base(queue) | {"messages_shown": [], "refusal": "", "fault": None, "said": ""}
    try:
        found = peeking.peek(
            queue=queue,
            by=audit.actor(request),
            count=10 if count is None else count,
        )
        context["messages_shown"] = peeking.shown(found, queue.name)
        context["said"] = peeking.said(found)
    except UnsafePeek as error:
        context["refusal"] = str(error)
    except RabbitError as error:
        context["fault"] = live_fault(error)
    return rendering.page(request, "queues/peek.html", context, fragment="queues/_peeked.html")
