"""The hosts that run consumers: what each holds, and the buttons that drain, take back and forget one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consumers.models import SupervisorHost
from consumers.supervisor import hosts
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering


@permissions.view
@require_GET
def host_list(request: HttpRequest) -> HttpResponse:
    """Every host that is known; live."""
    found = hosts.states()
    context = {
        "hosts": found,
        "is_sqlite": hosts.is_single_host_database(),
        "versions": len({state.row.version for state in found if not state.is_silent}),
    }
    return rendering.page(request, "consumers/hosts.html", context, fragment="consumers/_hosts.html")


@permissions.configure
@require_POST
def host_drain(request: HttpRequest, name: str) -> HttpResponse:
    """Start nothing new on the host."""
    hosts.drain(host=get_object_or_404(SupervisorHost, name=name), by=audit.actor(request))
    text = _("%(name)s is drained: nothing new is started there.") % {"name": name}
    return rendering.acted(request, text, to=reverse("host_list"))


@permissions.configure
@require_POST
def host_undrain(request: HttpRequest, name: str) -> HttpResponse:
    """Let processes be started on the host again."""
    hosts.undrain(host=get_object_or_404(SupervisorHost, name=name), by=audit.actor(request))
    text = _("%(name)s takes new processes again.") % {"name": name}
    return rendering.acted(request, text, to=reverse("host_list"))


@permissions.configure
@require_POST
def host_forget(request: HttpRequest, name: str) -> HttpResponse:
    """Take a host that is gone off the list."""
    hosts.forget(host=get_object_or_404(SupervisorHost, name=name), by=audit.actor(request))
    text = _("%(name)s is forgotten.") % {"name": name}
    return rendering.acted(request, text, to=reverse("host_list"))
