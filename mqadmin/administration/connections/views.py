"""Connections: all of them, one, closed one by one and many at once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.changing import refused
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.connections import acts, cutting, owners, pages
from mqadmin.administration.connections.cutting import Cut
from mqadmin.administration.connections.forms import CloseForm
from mqadmin.administration.connections.lists import CHANNELS, CONNECTIONS
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import address, asked, found_in, quoted
from mqadmin.administration.listed.views import Words
from mqadmin.administration.listing import reading
from mqadmin.approvals.gate import gate
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.administration import channels, connections, streaming
from mqadmin.rabbit.errors import NotFound, RabbitError
from mqadmin.rabbit.numbers import whole

MOST_LISTED = 20  # queues and connections that a dialog names


@permissions.view.of("vhost")
@require_safe
def connection_list(request: HttpRequest) -> HttpResponse:
    """All connections of a broker, those that are blocked first: searched, sorted, a page of them."""
    words = Words(
        title=_("Connections"),
        placeholder=_("Name, user, client, or user:shop address:10.1.* state:blocked"),
        none=_("No connections"),
        icon="plug-connected",
    )
    return listed.page(
        request, CONNECTIONS, words, rows="administration/_connections.html", shape=pages.connection_row
    )


@permissions.view.of("vhost")
@require_safe
def connection_detail(request: HttpRequest) -> HttpResponse:
    """One connection: who it is, whether it is held up, its channels with their consumers, its sessions."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    client = brokers.for_page(slug)
    found, fault, status = None, None, 200
    try:
        detail = connections.one(client, name)
        permissions.require(slug, detail.connection.vhost)
        permissions.about(request, slug, detail.connection.vhost)
        sessions = connections.sessions(client, name) if detail.connection.is_1_0 else None
        apart = [reader for _vhost, reader in channels.apart(client, [detail.connection])]
        item = detail.connection
        ends = streaming.of_connection(client, item.vhost, name) if item.is_stream else None
        listed_channels = reading.look(slug, CHANNELS).rows()
        found = pages.whole_connection(slug, detail, listed_channels, sessions, apart, ends)
    except NotFound:
        status = 404
    except RabbitError as error:
        fault = live_fault(error)
    context = {
        "name": name,
        "broker": slug,
        "found": found,
        "fault": fault,
        "here": request.get_full_path(),
        "most": pages.MOST_SHOWN,
    }
    return rendering.page(
        request,
        "administration/connection.html",
        context,
        fragment="administration/_connection.html",
        status=status,
    )


@permissions.operate.of("vhost")
@require_http_methods(["GET", "POST"])
def connection_close(request: HttpRequest) -> HttpResponse:
    """Close one connection."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    try:
        client = brokers.for_page(slug)
        permissions.require(slug, connections.one(client, name).connection.vhost)
        cut = cutting.of_one(client, name)
    except RabbitError as error:
        raise refused(error) or error from error
    (item,) = cut.connections
    title = item.called or name
    dialog = _dialog(
        slug,
        cut,
        by=audit.actor(request),
        action=acts.CLOSE,
        title=_("Close the connection %(name)s") % {"name": title},
        label=_("Close it"),
        back=pages.connection_href(slug, name),
        back_label=title,
        subject=title,
    )

    def act(form: CloseForm) -> tuple[str, str]:
        acts.close(broker=slug, by=audit.actor(request), name=name, **form.values)
        return _list(slug), _("The connection %(name)s was closed.") % {"name": title}

    return deciding.decide(request, dialog, act, CloseForm)


@permissions.operate.of("vhost")
@require_http_methods(["GET", "POST"])
def connections_close(request: HttpRequest) -> HttpResponse:
    """Close all connections of a user, or all from an address."""
    user, address = request.GET.get("user", ""), request.GET.get("address", "")
    if bool(user) == bool(address):
        raise Refusal(_("Say whose, or from where: a user or an address."), "invalid", status=422)
    slug = brokers.current(request)
    try:
        cut = cutting.of_all(brokers.for_page(slug), slug, user=user, address=address)
    except RabbitError as error:
        raise refused(error) or error from error
    count = cut.count
    named = {"n": count, "name": user or address}
    of_user = ngettext("Close %(n)s connection of %(name)s", "Close all %(n)s connections of %(name)s", count)
    from_address = ngettext(
        "Close %(n)s connection from %(name)s", "Close all %(n)s connections from %(name)s", count
    )
    field = "user" if user else "address"
    dialog = _dialog(
        slug,
        cut,
        by=audit.actor(request),
        action=acts.CLOSE_ALL,
        title=(of_user if user else from_address) % named,
        label=ngettext("Close %(n)s connection", "Close %(n)s connections", count) % named,
        back=found_in("connection_list", slug, f"{field}:{quoted(user or address)}"),
        back_label=_("Connections"),
        subject=user or address,
        refused="" if count else _("There is no such connection any more."),
    )

    def act(form: CloseForm) -> tuple[str, str]:
        closed = acts.close_all(
            broker=slug,
            by=audit.actor(request),
            user=user,
            address=address,
            expect=whole(request.POST.get("expect", ""), 7),
            **form.values,
        )
        text = ngettext("%(n)s connection was closed.", "%(n)s connections were closed.", closed)
        return _list(slug), text % {"n": closed}

    return deciding.decide(request, dialog, act, CloseForm)


def _dialog(
    slug: str,
    cut: Cut,
    *,
    by: Actor,
    action: str,
    title: str,
    label: str,
    back: str,
    back_label: str,
    subject: str,
    refused: str = "",
) -> Dialog:
    shown = {
        "cut": cut,
        "queues": [
            (vhost, queue, count, pages.queue_href(slug, vhost, queue))
            for vhost, queue, count in cut.queues[:MOST_LISTED]
        ],
        "more_queues": max(0, len(cut.queues) - MOST_LISTED),
        "named": [item.called or item.name for item in cut.connections[:MOST_LISTED]],
        "more_named": max(0, cut.count - MOST_LISTED),
        "sentences": pages.cut_sentences(cut),
        "owners": owners.owners(slug, cut.tags, (item.ours for item in cut.connections)),
    }
    return Dialog(
        action=action,
        broker=slug,
        title=title,
        says=[_("Most clients connect again by themselves within seconds.")],
        label=label,
        back=back,
        back_label=back_label,
        subject=subject,
        icon="plug-connected-x",
        values=shown,
        refused=refused,
        form_template="administration/_close.html",
        waits=gate.warning(action, slug, Size(objects=cut.count), by),
    )


def _list(slug: str) -> str:
    return address("connection_list", slug)
