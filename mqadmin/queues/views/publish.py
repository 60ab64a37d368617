"""Publish one message."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.queues.acts import publishing
from mqadmin.queues.forms.publish import PublishForm
from mqadmin.queues.models import Queue
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.queues.views.queue import base, find
from mqadmin.rabbit.errors import RabbitError

_REPEATED = (
    65_536  # characters of a body that stay in the form once it is published: megabytes would choke a browser
)


@permissions.operate.of("rows")
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
            allow_loss=values["allow_loss"],
        )
    except Refusal as refusal:
        context["asks"] = refusal.code == "would_lose"
        form.blame(refusal.fields, refusal.text)
    except RabbitError as error:
        context["fault"] = live_fault(error)
