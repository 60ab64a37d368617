"""Who publishes to an exchange and which queues get it: a part of its page, for which the broker is asked apart."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from mqadmin.administration.connections.pages import channel_href, queue_href
from mqadmin.administration.exchanges import passing
from mqadmin.administration.exchanges.pages import MOST_SHOWN
from mqadmin.administration.listed.naming import asked
from mqadmin.core import brokers, permissions
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.errors import RabbitError


@permissions.view.of("vhost")
@require_safe
def exchange_flow_list(request: HttpRequest) -> HttpResponse:
    """What passes one exchange: by the channels that publish, and by the queues at the end."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    permissions.about(request, slug, vhost)
    permissions.require(slug, vhost)
    found, fault = None, None
    try:
        found = passing.flows(slug, vhost, name)
    except RabbitError as error:
        fault = live_fault(error)
    context: dict[str, Any] = {
        "flows": found,
        "fault": fault,
        "here": request.get_full_path(),
        "most": MOST_SHOWN,
    }
    if found is not None:
        context |= {
            "publishers": [
                (item, channel_href(slug, item.channel)) for item in found.publishers[:MOST_SHOWN]
            ],
            "queues": [(item, queue_href(slug, item.vhost, item.name)) for item in found.queues[:MOST_SHOWN]],
            "publisher_count": len(found.publishers),
            "queue_count": len(found.queues),
        }
    return render(request, "administration/_exchange_flows.html", context)
