"""Channels: all of them, one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mqadmin.administration.connections import pages
from mqadmin.administration.connections.lists import CHANNELS
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import asked
from mqadmin.administration.listed.views import Words
from mqadmin.administration.listing import reading
from mqadmin.core import brokers, permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.administration import channels
from mqadmin.rabbit.errors import NotFound, RabbitError


@permissions.view.of("vhost")
@require_safe
def open_channel_list(request: HttpRequest) -> HttpResponse:
    """All channels of a broker, those that hold messages the longest first: searched, sorted, a page of them."""
    words = Words(
        title=_("Channels"),
        placeholder=_("Connection, user, or unacked>100 held>10m queue:orders"),
        none=_("No channels"),
        icon="switch-horizontal",
    )
    return listed.page(
        request, CHANNELS, words, rows="administration/_channels.html", shape=pages.channel_row
    )


@permissions.view.of("vhost")
@require_safe
def open_channel_detail(request: HttpRequest) -> HttpResponse:
    """One channel: what it holds and for how long, its consumers, where its messages go."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    found, fault, status = None, None, 200
    try:
        detail = channels.one(brokers.for_page(slug), name)
        permissions.require(slug, detail.channel.vhost)
        permissions.about(request, slug, detail.channel.vhost)
        seen = reading.look(slug, CHANNELS)
        before = seen.rows().before((name,))
        at = seen.listing.taken_at
        item = channels.carried(detail.channel, before, at.timestamp()) if at else detail.channel
        found = pages.whole_channel(slug, detail, item.held)
    except NotFound:
        status = 404
    except RabbitError as error:
        fault = live_fault(error)
    context = {"name": name, "broker": slug, "found": found, "fault": fault, "here": request.get_full_path()}
    return rendering.page(
        request,
        "administration/channel.html",
        context,
        fragment="administration/_channel.html",
        status=status,
    )
