"""Move all messages of a queue, or so many, to another."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from mqadmin.approvals.gate import gate
from mqadmin.approvals.gate.size import Size
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import draining, moving, source
from mqadmin.queues.forms.move import MoveForm
from mqadmin.queues.models import Queue
from mqadmin.queues.pages.broker_status import is_production, live_fault
from mqadmin.queues.views.queue import base, find
from mqadmin.rabbit.errors import RabbitError

MOST_OFFERED = 500  # names of queues that the field completes


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def queue_move(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Ask where to and how many; on a production broker the queue's name must be typed."""
    queue = find(queue_id)
    must_type = queue.name if is_production(queue.broker.slug) else ""
    form = MoveForm(request.POST if request.method == "POST" else None, must_type=must_type)
    status, asks = 200, False
    if form.is_bound and form.is_valid():
        values = form.cleaned_data
        try:
            operation = moving.move(
                queue=queue,
                to_queue=values["to_queue"],
                by=audit.actor(request),
                count=values["count"],
                allow_loss=values["allow_loss"],
            )
        except Refusal as error:
            for name, text in error.fields.items():
                form.add_error(name, text)
            if not error.fields:
                form.add_error(None, error.text)
            status = error.status
            asks = error.code == "would_lose"
        else:
            href = reverse("operation_detail", args=[operation.pk])
            return rendering.moved(request, href, _("%(what)s: begun.") % {"what": operation.summary})
    context = base(queue) | {"form": form, "must_type": must_type, "asks": asks, **_numbers(queue)}
    size = Size(int(context["ready"] or 0))
    context["waits"] = gate.warning("queue.move", queue.broker.slug, size, audit.actor(request))
    return rendering.page(request, "queues/move.html", context, status=status)


def _numbers(queue: Queue) -> dict[str, Any]:
    others = Queue.objects.filter(broker=queue.broker, vhost=queue.vhost, gone_at=None).exclude(pk=queue.pk)
    names = list(others.order_by("name").values_list("name", flat=True)[:MOST_OFFERED])
    likely = [name for name in queue.dead_letters_from if name in names]
    stays = source.deletes_itself(queue.name) if queue.auto_delete else ""
    known = {"stays": stays, "names": names, "likely": likely[0] if len(likely) == 1 else ""}
    try:
        ready = draining.ready_now(queue)
    except RabbitError as error:
        return {"ready": None, "fault": live_fault(error), "label": "", **known}
    label = ngettext("Move %(n)s message", "Move up to %(n)s messages", ready) % {"n": number(ready)}
    return {"ready": ready, "fault": None, "label": label, **known}
