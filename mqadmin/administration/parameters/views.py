"""Parameters: all of them, set, deleted."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import known
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import asked
from mqadmin.administration.listed.views import Words
from mqadmin.administration.parameters import acts, dialogs, pages
from mqadmin.administration.parameters.dialogs import Noun
from mqadmin.administration.parameters.forms import ParameterForm
from mqadmin.administration.parameters.lists import PARAMETERS
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit


def _noun(component: str = "") -> Noun:
    return Noun(component, "parameter_list", _("Parameters"))


@permissions.view.of("vhost")
@require_safe
def parameter_list(request: HttpRequest) -> HttpResponse:
    """All parameters of a broker, without their secrets."""
    words = Words(
        title=_("Parameters"),
        placeholder=_("Name, component, or is:global value:orders"),
        none=_("No parameters"),
        icon="list-details",
    )
    return listed.page(
        request,
        PARAMETERS,
        words,
        rows="administration/_parameters.html",
        template="administration/parameters.html",
        shape=pages.parameter_row,
    )


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def parameter_new(request: HttpRequest) -> HttpResponse:
    """Set a new parameter."""
    slug = brokers.current(request)
    put = partial(acts.put, broker=slug, by=audit.actor(request), only_new=True)
    says = [_("Whoever reads it (a plugin, RabbitMQ itself) is told at once.")]
    form = partial(ParameterForm, vhosts=known.vhosts(slug))
    return dialogs.make(request, _noun(), acts.SET, _("New parameter"), says, put, form)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def parameter_edit(request: HttpRequest) -> HttpResponse:
    """Change a parameter: its value is replaced as a whole."""
    vhost, component, name = asked(request, "vhost", "component", "name")
    slug = brokers.current(request)
    permissions.require(slug, acts.place(vhost, component, is_new=True))
    put = partial(acts.put, broker=slug, by=audit.actor(request), vhost=vhost, component=component, name=name)
    says = [_("Whoever reads it (a plugin, RabbitMQ itself) is told at once.")]
    form = dialogs.as_text(ParameterForm, "value")
    return dialogs.edit(request, _noun(component), acts.SET, (vhost, component, name), says, put, form)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def parameter_delete(request: HttpRequest) -> HttpResponse:
    """Delete a parameter."""
    vhost, component, name = asked(request, "vhost", "component", "name")
    slug = brokers.current(request)
    permissions.require(slug, acts.place(vhost, component))
    act = partial(
        acts.delete, broker=slug, by=audit.actor(request), vhost=vhost, component=component, name=name
    )
    values = {"name": name, "component": component, "vhost": vhost}
    says = (
        _("The parameter %(name)s of %(component)s (vhost %(vhost)s) is deleted for good.")
        if component
        else _("The global parameter %(name)s is deleted for good.")
    )
    return dialogs.sure(
        request,
        _noun(component),
        acts.DELETE,
        name,
        _("Delete the parameter %(name)s") % values,
        [says % values, _("Its value is not kept where it is secret.")],
        _("Delete it"),
        _("The parameter %(name)s was deleted.") % values,
        act,
    )
