"""What a person does to one queue: look at messages, publish one, purge it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import draining, peeking, publishing, purging, snapshots
from mqadmin.queues.forms import PublishForm, PurgeForm
from mqadmin.queues.models import Queue
from mqadmin.queues.pages.broker_status import is_production, live_fault
from mqadmin.queues.views.queue import base, find
from mqadmin.rabbit.errors import RabbitError, UnsafePeek
from mqadmin.rabbit.numbers import whole

_REPEATED = (
    65_536  # characters of a body that stay in the form once it is published: megabytes would choke a browser
)


@permissions.operate
@require_POST
def queue_peek(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Show the messages at the head of the queue, or why that was not done."""
    queue = find(queue_id)
    count = whole(request.POST.get("count", ""), 3)
    context = base(queue) | {"messages_shown": [], "refusal": "", "fault": None}
    try:
        found = peeking.peek(
            queue=queue,
            by=audit.actor(request),
            count=10 if count is None else count,
        )
        context["messages_shown"] = peeking.shown(found)
    except UnsafePeek as error:
        context["refusal"] = str(error)
    except RabbitError as error:
        context["fault"] = live_fault(error)
    return rendering.page(request, "queues/peek.html", context, fragment="queues/_peeked.html")


@permissions.operate
@require_http_methods(["GET", "POST"])
def queue_publish(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Publish one message; errors stand beside the fields, the broker's answer above the form."""
    queue = find(queue_id)
    form = PublishForm(request.POST) if request.method == "POST" else PublishForm()
    context = base(queue) | {"form": form, "routed": None, "fault": None, "key": ""}
    if form.is_bound and form.is_valid():
        _publish(request, queue, form, context)
        if context["routed"] and len(form.cleaned_data["body"]) > _REPEATED:
            context["form"] = PublishForm({**request.POST.dict(), "body": ""})
    return rendering.page(request, "queues/publish.html", context, fragment="queues/_publish.html")


def _publish(request: HttpRequest, queue: Queue, form: PublishForm, context: dict[str, object]) -> None:
    values = form.cleaned_data
    context["key"] = values["routing_key"] or queue.name
    try:
        context["routed"] = publishing.publish(
            queue=queue,
            by=audit.actor(request),
            body=values["body"],
            encoding=values["encoding"],
            properties=form.properties,
            headers=values["headers"],
            routing_key=values["routing_key"] or None,
        )
    except Refusal as refusal:
        form.blame(refusal.fields, refusal.text)
    except RabbitError as error:
        context["fault"] = live_fault(error)


@permissions.operate
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
    return rendering.page(request, "queues/purge.html", context, status=status)


def _count(queue: Queue) -> dict[str, object]:
    try:
        ready = draining.ready_now(queue)
        unkept = snapshots.why_not(queue, ready)
    except RabbitError as error:
        return {"ready": None, "fault": live_fault(error), "label": "", "unkept": ""}
    label = ngettext("Purge %(n)s message", "Purge %(n)s messages", ready) % {"n": number(ready)}
    return {"ready": ready, "fault": None, "label": label, "unkept": unkept}
