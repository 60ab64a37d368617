"""Stop all and start all: a page that says what will happen, with the count, and asks."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from consumers.definitions import mass
from consumers.forms.mass import MassForm
from consumers.models import Consumer, ConsumerProcess
from consumers.status.filtering import ConsumerSearch
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose, rendering
from mqadmin.queues.pages.broker_status import is_production

NAMED = 12  # consumers that the question names


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def consumer_stop_all(request: HttpRequest) -> HttpResponse:
    """Stop all consumers of the broker that the filter finds."""
    return _all(request, "stop")


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def consumer_start_all(request: HttpRequest) -> HttpResponse:
    """Start all consumers of the broker that the filter finds."""
    return _all(request, "start")


def _all(request: HttpRequest, act: mass.Act) -> HttpResponse:
    broker = brokers.scope(request)
    wanted = ConsumerSearch.read(request.GET)
    collectors = "collectors" in request.GET
    found = mass.chosen(act, wanted.consumers(broker), collectors=collectors)
    slugs = list(dict.fromkeys(row.broker for row in found)) if broker == brokers.EVERY else [broker]
    must_type = " ".join(slug for slug in slugs if is_production(slug))
    form = MassForm(request.POST if request.method == "POST" else None, must_type=must_type)
    refusal, status = "", 200
    if form.is_bound and form.is_valid():
        try:
            done = _carried_out(act, found, broker, form.cleaned_data["expect"], audit.actor(request))
        except Refusal as error:
            refusal, status = error.text, error.status
        else:
            level = "warning" if done.overtaken else "success"
            return rendering.moved(request, _back(broker, wanted), _told(act, done), level=level)
    elif form.is_bound:
        status = 422
    context = {
        "act": act,
        "broker": broker,
        "on": prose.listed(slugs),
        "wanted": wanted,
        "collectors": collectors,
        "back": _back(broker, wanted),
        "found": found,
        "named": found[:NAMED],
        "more": max(0, len(found) - NAMED),
        "processes": ConsumerProcess.objects.filter(
            consumer__in=found, ended_at=None, state__in=ConsumerProcess.LIVE
        ).count(),
        "wanted_processes": sum(row.target for row in found),
        "form": form,
        "refusal": refusal,
        "must_type": must_type,
    }
    return rendering.page(request, "consumers/mass.html", context, status=status)


def _carried_out(act: mass.Act, found: Sequence[Consumer], broker: str, expect: int, by: Actor) -> mass.Done:
    if broker == brokers.EVERY:
        return mass.on_each(act, found, expect=expect, by=by)
    return mass.carry_out(act, found, broker=broker, expect=expect, by=by)


def _back(broker: str, wanted: ConsumerSearch) -> str:
    """Return the address of the list; of its filter only the text, as the states have just changed."""
    return f"{reverse('consumer_list')}?{ConsumerSearch(wanted.q).query(broker)}"


def _told(act: mass.Act, done: mass.Done) -> str:
    count = len(done.names)
    if act == "stop":
        text = ngettext(
            "%(n)d consumer finishes what is in hand, then stops.",
            "%(n)d consumers finish what is in hand, then stop.",
            count,
        )
    else:
        text = ngettext("%(n)d consumer is starting.", "%(n)d consumers are starting.", count)
    if not done.overtaken:
        return text % {"n": count}
    left = _("Somebody else changed these meanwhile, so they were left as they are: %(names)s.")
    return prose.paragraph((text % {"n": count}, left % {"names": prose.listed(done.overtaken)}))
