"""Requeue letters: say how many would go where, then have it done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose
from mqadmin.deadletters.forms.requeue import Carefully, Destination
from mqadmin.deadletters.requeue import dryrun, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.dryrun import DryRun
from mqadmin.deadletters.search.selection import Selection
from mqadmin.deadletters.views.dialog import PARKED, decision, dialog, start, started
from mqadmin.queues.pages.broker_status import status_of
from mqadmin.rabbit.errors import RabbitError


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def letter_requeue(request: HttpRequest) -> HttpResponse:
    """GET: say how many letters would go where. POST: have them requeued."""
    if request.method == "POST":
        asked = Destination(request.POST)
        begin = partial(
            requeue.start,
            to=asked.place if "to" in request.POST else To(),
            by=audit.actor(request),
            care=Carefully(request.POST).care,
            allow_loss=Carefully(request.POST).allows_loss,
            keep_headers=asked.keeps_headers,
        )
        done = start(request, PARKED, lambda letters, expect: begin(selection=letters, expect=expect))
        return started(request, done)
    form = Destination(request.GET if "to" in request.GET else {"to": "source"})
    context = decision(request, "letter_requeue", PARKED)
    context |= {"form": form, "care": Carefully(request.GET)}
    context["is_again"] = "to" in request.GET  # the focus stays on what was chosen
    titles = brokers.titles() if context["scope"] == brokers.EVERY else {}
    looks = [_look(letters, form, titles.get(letters.broker, "")) for letters in context["each"]]
    plans = [look.plan for look in looks if look.plan is not None]
    context |= {
        "plans": [(look.title, look.plan, look.fault) for look in looks],
        "fault": looks[0].fault if not titles else "",
        "places": [place for plan in plans for place in plan.destinations],
        "sendable": sum(plan.requeueable for plan in plans),
        "can_act": any(plan.requeueable for plan in plans),
        "can_keep": any(plan.can_keep for plan in plans),
        "has_losses": any(plan.losses for plan in plans),
    }
    return dialog(request, context)


@dataclass(frozen=True)
class _Look:
    """What a requeue of one broker's letters would do, or why that is not known. `title`: "" for the only one."""

    title: str
    plan: DryRun | None = None
    fault: str = ""


def _look(letters: Selection, form: Destination, title: str) -> _Look:
    # One of several that is known not to answer is not waited for.
    if title and (status := status_of(letters.broker)).level == "down":
        return _Look(title, fault=prose.paragraph((prose.ended(status.title), status.detail)))
    try:
        return _Look(title, dryrun.of(selection=letters, to=form.place, keep_headers=form.keeps_headers))
    except Refusal as refusal:
        return _Look(title, fault=refusal.text)
    except RabbitError as error:
        return _Look(title, fault=str(error))
