"""Bindings: all of them, made, taken away."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from mqadmin.administration.acting import deciding, known
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.acting.forms import ActForm
from mqadmin.administration.bindings import acts, pages
from mqadmin.administration.bindings.doors import BACK
from mqadmin.administration.bindings.forms import BindingForm
from mqadmin.administration.bindings.lists import BINDINGS
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import address, asked
from mqadmin.administration.listed.places import exchange_href
from mqadmin.administration.listed.views import Words
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.queues.models import Queue


@permissions.view.of("vhost")
@require_safe
def binding_list(request: HttpRequest) -> HttpResponse:
    """All bindings of a broker but those of the default exchange: searched, sorted, a page of them."""
    words = Words(
        title=_("Bindings"),
        placeholder=_("Exchange, queue, routing key, or source:orders to:exchange"),
        none=_("No bindings"),
        icon="link",
    )
    return listed.page(
        request, BINDINGS, words, rows="administration/_bindings.html", shape=pages.binding_row
    )


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def binding_new(request: HttpRequest) -> HttpResponse:
    """Bind a queue or an exchange to an exchange."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    values = {"name": name, "vhost": vhost, "broker": slug}
    back = exchange_href(slug, vhost, name)
    dialog = Dialog(
        action=acts.BIND,
        broker=slug,
        title=_("Bind to %(name)s") % values,
        says=[_("What is published to %(name)s (vhost %(vhost)s) from then on goes there too.") % values],
        label=_("Bind it"),
        back=back,
        back_label=name,
        danger=False,
        form_template="administration/_argument_fields.html",
        icon="link",
        values={"vhost": vhost, "source": name},
    )

    def act(form: BindingForm) -> tuple[str, str]:
        given: dict[str, Any] = form.values
        acts.bind(broker=slug, by=audit.actor(request), vhost=vhost, source=name, **given)
        return back, _("%(name)s was bound.") % {"name": given["destination"]}

    return deciding.decide(
        request, dialog, act, partial(BindingForm, kind=known.exchange_type(slug, vhost, name))
    )


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def binding_delete(request: HttpRequest) -> HttpResponse:
    """Take away one binding."""
    names = ("vhost", "source", "destination", "destination_type", "properties_key")
    values = dict(zip(names, asked(request, *names), strict=True))
    if values["destination_type"] not in ("queue", "exchange"):
        raise Refusal(_("A binding leads to a queue or to an exchange."), "invalid", status=422)
    slug = brokers.current(request)
    back, back_label = exchange_href(slug, values["vhost"], values["source"]), values["source"]
    if request.GET.get("back") == BACK:
        back = address("queue_named", slug, vhost=values["vhost"], name=values["destination"])
        back_label = values["destination"]
    says = _("%(destination)s gets nothing more by this binding of %(source)s (vhost %(vhost)s).")
    dialog = Dialog(
        action=acts.UNBIND,
        broker=slug,
        title=_("Unbind %(destination)s") % values,
        says=[says % values, _("Messages that are in it stay.")],
        label=_("Unbind it"),
        back=back,
        back_label=back_label,
        subject=values["destination"],
        values=values,
    )

    def act(form: ActForm) -> tuple[str, str]:  # noqa: ARG001
        to = cast(acts.To, values["destination_type"])
        given = {name: value for name, value in values.items() if name != "destination_type"}
        acts.unbind(broker=slug, by=audit.actor(request), destination_type=to, **given)
        return back, _("%(destination)s was unbound.") % values

    return deciding.decide(request, dialog, act)


@permissions.view.of("rows")
@require_GET
def queue_named(request: HttpRequest) -> HttpResponse:
    """Lead to the page of a queue that is known by its names alone."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    row = Queue.objects.filter(broker__slug=slug, vhost=vhost, name=name, gone_at__isnull=True).first()
    if row is None:
        raise Refusal(_("mqadmin has not seen this queue yet, or it is gone."), "not_found", status=404)
    return redirect("queue_detail", queue_id=row.pk)
