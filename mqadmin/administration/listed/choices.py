"""The columns that may be chosen in lists of many; the first column, which names the row, is always there."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.core.pages.columns import Columns, remember


def _exchanges() -> Mapping[str, str]:
    return {
        "type": _("Type"),
        "arguments": _("Arguments"),
        "policy": _("Policy"),
        "alternate": _("Alternate exchange"),
        "in": _("In /s"),
        "out": _("Out /s"),
        "taken": _("In, all told"),
        "passed": _("Out, all told"),
    }


def _connections() -> Mapping[str, str]:
    return {
        "state": _("State"),
        "user": _("User"),
        "client": _("Client"),
        "platform": _("Platform"),
        "protocol": _("Protocol"),
        "address": _("Address"),
        "node": _("Node"),
        "channels": _("Channels"),
        "heartbeat": _("Heartbeat"),
        "in": _("In /s"),
        "out": _("Out /s"),
        "for": pgettext("how long", "For"),
    }


def _channels() -> Mapping[str, str]:
    return {
        "reads": _("Reads"),
        "user": _("User"),
        "node": _("Node"),
        "state": _("State"),
        "mode": _("Mode"),
        "unacked": _("Unacked"),
        "held": _("Held"),
        "prefetch": _("Prefetch"),
        "unconfirmed": _("Unconfirmed"),
        "publish": _("Publish /s"),
        "confirm": _("Confirm /s"),
        "returned": _("Returned /s"),
        "deliver": _("Deliver /s"),
        "ack": _("Ack /s"),
        "again": _("Redelivered /s"),
    }


def _vhosts() -> Mapping[str, str]:
    return {
        "type": _("Queue type"),
        "limits": _("Limits"),
        "ready": _("Ready"),
        "unacked": _("Unacked"),
        "total": _("Total"),
        "in": _("In /s"),
        "out": _("Out /s"),
        "received": _("From clients /s"),
        "sent": _("To clients /s"),
    }


# By the name of the list's kind.
CHOICES = {
    "exchanges": Columns(
        "mqadmin_exchange_columns", _exchanges, ("type", "arguments", "policy", "in", "out")
    ),
    "connections": Columns(
        "mqadmin_connection_columns",
        _connections,
        ("state", "user", "client", "protocol", "channels", "in", "out", "for"),
    ),
    "channels": Columns(
        "mqadmin_channel_columns",
        _channels,
        ("reads", "unacked", "held", "prefetch", "publish", "deliver", "ack", "again"),
    ),
    "vhosts": Columns("mqadmin_vhost_columns", _vhosts, ("type", "limits", "ready", "unacked", "in", "out")),
}


@permissions.view.of("rows")
@require_POST
def list_columns(request: HttpRequest, kind: str) -> HttpResponse:
    """Remember the ticked columns of a list in a cookie, or forget them, and return to it."""
    if kind not in CHOICES:
        raise Http404(_("There is no such list."))
    return remember(request, CHOICES[kind], reverse("overview"))
