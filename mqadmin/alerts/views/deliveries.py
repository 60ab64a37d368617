"""What was sent, and what failed."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mqadmin.alerts.models import Channel, Delivery
from mqadmin.alerts.pages import tones
from mqadmin.core import permissions
from mqadmin.core.pages import rendering
from mqadmin.rabbit.numbers import whole

PER_PAGE = 100


@permissions.view
@require_GET
def delivery_list(request: HttpRequest) -> HttpResponse:
    """Messages, the newest first; `?state=` and `?channel=` (its id) narrow them."""
    state, channel = request.GET.get("state", ""), whole(request.GET.get("channel", ""), 18)
    found = Delivery.objects.select_related("incident").defer("text", "payload")
    if state in Delivery.State.values:
        found = found.filter(state=state)
    if channel is not None:
        found = found.filter(channel=channel)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(item, tones.DELIVERY[item.state]) for item in page],
        "state": state,
        "states": [("", _("all")), *Delivery.State.choices],
        "channel": Channel.objects.filter(pk=channel).first() if channel is not None else None,
        "is_filtered": bool(state) or channel is not None,
    }
    return rendering.page(request, "alerts/deliveries.html", context, fragment="alerts/_deliveries.html")
