"""Exchanges: all of them, one, declared, deleted."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import deciding, known
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.exchanges import acts, pages, unroutable
from mqadmin.administration.exchanges.forms import ExchangeForm
from mqadmin.administration.exchanges.lists import EXCHANGES
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import address, asked
from mqadmin.administration.listed.places import exchange_href
from mqadmin.administration.listed.views import Words
from mqadmin.administration.listing import reading
from mqadmin.administration.permissions import rights
from mqadmin.administration.permissions.lists import PERMISSIONS
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import status_now


@permissions.view.of("vhost")
@require_safe
def exchange_list(request: HttpRequest) -> HttpResponse:
    """All exchanges of a broker: searched, sorted, a page of them."""
    words = Words(
        title=_("Exchanges"),
        placeholder=_("Name, /pattern/, or type:topic in_rate>100 is:internal"),
        none=_("No exchanges"),
        icon="sitemap",
    )
    slug = brokers.current(request)
    broker = status_now(slug).broker if slug else None
    return listed.page(
        request,
        EXCHANGES,
        words,
        rows="administration/_exchanges.html",
        template="administration/exchanges.html",
        shape=pages.exchange_row,
        more={"lost": unroutable.lost(broker)},
        known_by=unroutable.known_by(broker),
    )


@permissions.view.of("vhost")
@require_safe
def exchange_detail(request: HttpRequest) -> HttpResponse:
    """One exchange: its rates, what it passes to and what passes to it, its arguments."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    permissions.about(request, slug, vhost)
    exchanges, bindings = pages.look(slug)
    broker = status_now(slug).broker
    granted = reading.look(slug, PERMISSIONS)
    lost = unroutable.known_by(broker)
    version = rendering.version(request, exchanges.known_by, bindings.known_by, granted.known_by, lost)
    if same := rendering.unchanged(request, version):
        return same
    found = pages.whole(slug, exchanges, bindings, vhost, name)
    context = {
        "vhost": vhost,
        "name": name,
        **listed.about(request, slug, exchanges),
        "found": found,
        "lost": unroutable.of_exchange(broker, vhost, name),
        "who": rights.whose_exchange(slug, granted, vhost, name, found.exchange.type) if found else None,
        "bound": bindings,
        "bound_fault": listed.fault_of(bindings),
        "most": pages.MOST_SHOWN,
    }
    status = listed.status(exchanges, is_there=found is not None)
    return rendering.page(
        request,
        "administration/exchange.html",
        context,
        fragment="administration/_exchange.html",
        version=version,
        status=status,
    )


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def exchange_new(request: HttpRequest) -> HttpResponse:
    """Declare an exchange."""
    slug = brokers.current(request)
    dialog = Dialog(
        action=acts.DECLARE,
        broker=slug,
        title=_("New exchange"),
        says=[_("It is declared on the broker “%(broker)s” at once.") % {"broker": slug}],
        label=_("Declare it"),
        back=address("exchange_list", slug),
        back_label=_("Exchanges"),
        danger=False,
        form_template="administration/_argument_fields.html",
        icon="plus",
    )
    vhosts, types = known.vhosts(slug), known.exchange_types(slug)

    def act(form: ExchangeForm) -> tuple[str, str]:
        values: dict[str, Any] = form.values
        acts.declare(broker=slug, by=audit.actor(request), **values)
        href = exchange_href(slug, values["vhost"], values["name"])
        return href, _("The exchange %(name)s was declared.") % {"name": values["name"]}

    return deciding.decide(request, dialog, act, partial(ExchangeForm, vhosts=vhosts, types=types))


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def exchange_delete(request: HttpRequest) -> HttpResponse:
    """Delete an exchange that nothing is bound to."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    values = {"name": name, "vhost": vhost, "broker": slug}
    dialog = Dialog(
        action=acts.DELETE,
        broker=slug,
        title=_("Delete the exchange %(name)s") % values,
        says=[
            _("The exchange %(name)s (vhost %(vhost)s, broker %(broker)s) is deleted for good.") % values,
            _("It is deleted only if nothing is bound to it. Who publishes to it afterwards is refused."),
        ],
        label=_("Delete it"),
        back=exchange_href(slug, vhost, name),
        back_label=name or _("the default exchange"),
        subject=name,
        values={"vhost": vhost, "name": name},
    )

    act = partial(acts.delete, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    return deciding.sure(
        request,
        dialog,
        act,
        _("The exchange %(name)s was deleted.") % values,
        to=address("exchange_list", slug),
    )
