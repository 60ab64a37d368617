"""What a person does to letters: requeue, discard, restore; and to queues: track, untrack."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import rendering
from mqadmin.deadletters.acts import conflict, decide
from mqadmin.deadletters.capture import tracking
from mqadmin.deadletters.forms.acts import Carefully
from mqadmin.deadletters.forms.inbox import Destination, chosen, expected
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import dryrun, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import RabbitError

PARKED, DISCARDED = DeadLetter.Status.PARKED, DeadLetter.Status.DISCARDED


@permissions.operate
@require_http_methods(["GET", "POST"])
def letter_requeue(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters would go where. POST: have them requeued."""
    broker = brokers.current(request)
    if request.method == "POST":
        letters = chosen(request.POST, broker, PARKED)
        to = Destination(request.POST).place if "to" in request.POST else To()
        with conflict.explained(letters, audit.actor(request)):
            operation = requeue.start(
                selection=letters,
                to=to,
                by=audit.actor(request),
                expect=expected(request.POST),
                care=Carefully(request.POST).care,
            )
        return started(request, operation)
    form = Destination(request.GET if "to" in request.GET else {"to": "source"})
    context = decision(request, broker, "letter_requeue", PARKED)
    context |= {"form": form, "care": Carefully(request.GET), "places": [], "sendable": 0}
    context["is_again"] = "to" in request.GET  # the focus stays on what was chosen
    try:
        plan = dryrun.of(selection=context["selection"], to=form.place)
        context |= {"plan": plan, "places": plan.destinations, "sendable": plan.requeueable}
    except Refusal as refusal:
        context["fault"] = refusal.text
    except RabbitError as error:
        context["fault"] = str(error)
    return rendering.page(request, "deadletters/decide.html", context, fragment="deadletters/_decide.html")


@permissions.operate
@require_http_methods(["GET", "POST"])
def letter_discard(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters. POST: discard them."""
    return _decided(request, "letter_discard", PARKED, decide.discard)


@permissions.operate
@require_http_methods(["GET", "POST"])
def letter_restore(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters. POST: put them back into the inbox."""
    return _decided(request, "letter_restore", DISCARDED, decide.restore)


def _decided(
    request: HttpRequest, url_name: str, status: str, decide_: Callable[..., Operation]
) -> HttpResponse:
    broker = brokers.current(request)
    if request.method == "POST":
        letters = chosen(request.POST, broker, status)
        by, expect = audit.actor(request), expected(request.POST)
        with conflict.explained(letters, by):
            operation = decide_(selection=letters, by=by, expect=expect)
        return started(request, operation)
    context = decision(request, broker, url_name, status)
    return rendering.page(request, "deadletters/decide.html", context, fragment="deadletters/_decide.html")


def decision(
    request: HttpRequest, broker: str, url_name: str, status: str, own: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what a dialog shows: how many letters it is about, and what it sends on but its `own` fields."""
    letters = chosen(request.GET, broker, status)
    total = letters.rows().filter(status=status).count()
    skip = {"expect", "to", "exchange", "routing_key", "up_to", "letter", "tab", "page", "seen", "broker"}
    skip |= {*Carefully.base_fields, *own}
    fields = [
        (name, value) for name, values in request.GET.lists() if name not in skip for value in values if value
    ]
    if letters.filter is not None:
        fields.append(("up_to", str(letters.up_to)))
    return {
        "act": url_name.removeprefix("letter_"),
        "action": reverse(url_name),
        "selection": letters,
        "total": total,
        "passed_over": letters.rows().count() - total if letters.filter is None else 0,
        "fields": fields,
        "back": f"{reverse('letter_list')}?broker={broker}",
    }


def started(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Answer a POST that started `operation`."""
    href = reverse("operation_detail", args=[operation.pk])
    return rendering.acted(request, _("%(what)s: begun.") % {"what": operation.summary}, to=href)


@permissions.configure
@require_POST
def queue_track(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Capture the letters of a dead-letter queue from now on; with `force` also where another program consumes."""
    queue = get_object_or_404(Queue.objects.select_related("broker"), pk=queue_id)
    tracking.track(queue=queue, by=audit.actor(request), force=request.POST.get("force") == "yes")
    text = _("%(queue)s is tracked: its letters arrive in the inbox.") % {"queue": queue.name}
    return rendering.acted(request, text, to=reverse("queue_detail", args=[queue.pk]))


@permissions.configure
@require_POST
def queue_untrack(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Stop capturing; what is stored stays."""
    queue = get_object_or_404(Queue.objects.select_related("broker"), pk=queue_id)
    tracking.untrack(queue=queue, by=audit.actor(request))
    text = _("%(queue)s is no longer tracked. Letters that are stored stay.") % {"queue": queue.name}
    return rendering.acted(request, text, to=reverse("queue_detail", args=[queue.pk]))
