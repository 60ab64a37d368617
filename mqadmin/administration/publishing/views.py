"""Publish one message to an exchange: first it is shown where it would go."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from mqadmin.administration.acting.deciding import require_same
from mqadmin.administration.listed.naming import asked
from mqadmin.administration.publishing import acts, ways
from mqadmin.administration.publishing.acts import Written
from mqadmin.administration.publishing.forms import ExchangePublishForm
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import is_production, live_fault
from mqadmin.rabbit.errors import RabbitError


@permissions.operate.of("vhost")
@require_http_methods(["GET", "POST"])
def exchange_publish(request: HttpRequest) -> HttpResponse:
    """Show where a message would go, and publish it once that was seen."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    require_same(request, slug)
    must_type = name if is_production(slug) else ""
    form = ExchangePublishForm(request.POST if request.method == "POST" else None, must_type=must_type)
    context: dict[str, Any] = {"broker": slug, "vhost": vhost, "name": name, "form": form}
    context |= {"here": request.get_full_path(), "ways": None, "done": False, "fault": None}
    status = 200
    if form.is_bound and form.is_valid():
        status = _act(request, slug, form.written(vhost, name), form, context)
    return rendering.page(request, "administration/publish.html", context, status=status)


def _act(
    request: HttpRequest, slug: str, message: Written, form: ExchangePublishForm, context: dict[str, Any]
) -> int:
    """Look, or publish; put what came of it into the context and return the status."""
    seen = request.POST.get("seen") if "publish" in request.POST else None
    try:
        if seen is not None and form.is_confirmed():
            allow_loss = form.cleaned_data["allow_loss"]
            routed, found = acts.publish(
                broker=slug, by=audit.actor(request), message=message, allow_loss=allow_loss, seen=seen
            )
            context |= {"done": True, "routed": routed, "ways": ways.of(slug, message.vhost, found)}
            return 200
        _look(slug, message, context)
    except Refusal as refusal:
        form.blame(refusal.fields, refusal.text)
        context["asks"] = refusal.code == "would_lose"
        if refusal.code in ("would_lose", "other_ways"):
            _look(slug, message, context)
        return refusal.status
    except RabbitError as error:
        context["fault"] = live_fault(error)
        return 503
    return 200


def _look(slug: str, message: Written, context: dict[str, Any]) -> None:
    found = acts.preview(broker=slug, message=message)
    context |= {"ways": ways.of(slug, message.vhost, found), "seen": found.mark}
    context["asks"] = context.get("asks") or bool(found.loses)
