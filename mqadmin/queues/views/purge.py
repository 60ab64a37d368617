"""Purge a queue; put back what a purge kept."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.approvals.gate import gate
from mqadmin.approvals.gate.size import Size
from mqadmin.core import hooks, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import deleting, draining, purging, snapshots
from mqadmin.queues.forms.purge import PurgeForm
from mqadmin.queues.models import Queue
from mqadmin.queues.pages.broker_status import is_production, live_fault
from mqadmin.queues.views.queue import base, find
from mqadmin.rabbit.errors import RabbitError


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def queue_purge(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Ask with the exact count; on a production broker the queue's name must be typed."""
    queue = find(queue_id)
    must_type = queue.name if is_production(queue.broker.slug) else ""
    form = PurgeForm(request.POST if request.method == "POST" else None, must_type=must_type)
    refusal, status = "", 200
    if form.is_bound and form.is_valid():
        try:
            operation = purging.purge(
                queue=queue,
                by=audit.actor(request),
                expect=form.cleaned_data["expect"],
                tolerance=purging.TOLERANCE,
                snapshot=form.cleaned_data["snapshot"],
            )
        except Refusal as error:
            refusal, status = error.text, error.status
        else:
            text = _("The purge of %(queue)s was started.") % {"queue": queue.name}
            return rendering.moved(request, reverse("operation_detail", args=[operation.pk]), text)
    context = base(queue) | {"form": form, "refusal": refusal, "must_type": must_type, **_count(queue)}
    size = Size(int(context["ready"] or 0))
    context["waits"] = gate.warning("queue.purge", queue.broker.slug, size, audit.actor(request))
    return rendering.page(request, "queues/purge.html", context, status=status)


def _count(queue: Queue) -> dict[str, object]:
    try:
        ready = draining.ready_now(queue)
        unkept = snapshots.why_not(queue, ready)
    except RabbitError as error:
        return {"ready": None, "fault": live_fault(error), "label": "", "unkept": ""}
    named = {"vhost": queue.vhost, "name": queue.name}
    touched = hooks.touched("queue.purge", queue.broker.slug, named) if ready else []
    label = ngettext("Purge %(n)s message", "Purge %(n)s messages", ready) % {"n": number(ready)}
    return {"ready": ready, "fault": None, "label": label, "unkept": unkept, "touched": touched}


@permissions.operate.of("rows")
@require_POST
def queue_restore(request: HttpRequest, operation_id: int) -> HttpResponse:
    """Put back what a purge kept."""
    purge = snapshots.operation_of(operation_id)
    if purge is None or purge.kind not in (purging.KIND, deleting.KIND):
        raise Http404(_("There is no such thing."))
    operation = snapshots.restore(
        operation=purge, by=audit.actor(request), allow_loss="allow_loss" in request.POST
    )
    href = reverse("operation_detail", args=[operation.pk])
    return rendering.moved(request, href, _("%(what)s: begun.") % {"what": operation.summary})
