"""Requeue letters: say how many would go where, then have it done."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.deadletters.acts import conflict
from mqadmin.deadletters.forms.requeue import Carefully, Destination
from mqadmin.deadletters.forms.selections import chosen, expected
from mqadmin.deadletters.requeue import dryrun, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.views.dialog import PARKED, decision, dialog, started
from mqadmin.rabbit.errors import RabbitError


@permissions.operate
@require_http_methods(["GET", "POST"])
def letter_requeue(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters would go where. POST: have them requeued."""
    broker = brokers.current(request)
    if request.method == "POST":
        letters = chosen(request.POST, broker, PARKED)
        asked = Destination(request.POST)
        to = asked.place if "to" in request.POST else To()
        with conflict.explained(letters, audit.actor(request)):
            operation = requeue.start(
                selection=letters,
                to=to,
                by=audit.actor(request),
                expect=expected(request.POST),
                care=Carefully(request.POST).care,
                allow_loss=Carefully(request.POST).allows_loss,
                keep_headers=asked.keeps_headers,
            )
        return started(request, operation)
    form = Destination(request.GET if "to" in request.GET else {"to": "source"})
    context = decision(request, broker, "letter_requeue", PARKED)
    context |= {"form": form, "care": Carefully(request.GET), "places": [], "sendable": 0, "can_act": False}
    context["is_again"] = "to" in request.GET  # the focus stays on what was chosen
    try:
        place = form.place
        plan = dryrun.of(selection=context["selection"], to=place, keep_headers=form.keeps_headers)
        context |= {"plan": plan, "places": plan.destinations, "sendable": plan.requeueable}
        context["can_act"] = bool(plan.requeueable)
    except Refusal as refusal:
        context["fault"] = refusal.text
    except RabbitError as error:
        context["fault"] = str(error)
    return dialog(request, context)
