"""Shovels: all of them with how they do, defined, deleted, started anew."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import known
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import asked
from mqadmin.administration.listed.views import Words
from mqadmin.administration.parameters import dialogs
from mqadmin.administration.parameters.dialogs import Noun
from mqadmin.administration.shovels import acts, pages
from mqadmin.administration.shovels.forms import ShovelForm
from mqadmin.administration.shovels.lists import SHOVELS
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.rabbit.administration.shovels import COMPONENT

_FORM = "administration/_shovel_form.html"


def _noun() -> Noun:
    return Noun(COMPONENT, "shovel_list", _("Shovels"))


@permissions.view.of("vhost")
@require_safe
def shovel_list(request: HttpRequest) -> HttpResponse:
    """All shovels of a broker, those first that do not run."""
    words = Words(
        title=_("Shovels"),
        placeholder=_("Name, or is:wrong state:terminated definition.src-queue:orders"),
        none=_("No shovels"),
        icon="transfer",
    )
    return listed.page(
        request,
        SHOVELS,
        words,
        rows="administration/_shovels.html",
        template="administration/shovels.html",
        shape=pages.shovel_row,
    )


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def shovel_new(request: HttpRequest) -> HttpResponse:
    """Define a shovel."""
    slug = brokers.current(request)
    put = partial(acts.put, broker=slug, by=audit.actor(request), only_new=True)
    says = [_("It begins at once: it takes messages from one end and publishes them at the other.")]
    form = partial(ShovelForm, vhosts=known.vhosts(slug))
    return dialogs.make(request, _noun(), acts.SET, _("New shovel"), says, put, form, form_template=_FORM)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def shovel_edit(request: HttpRequest) -> HttpResponse:
    """Change a shovel: it ends and begins anew."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    put = partial(acts.put, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    says = [_("It ends and begins anew. What it has in hand goes back to its source, and may come twice.")]
    names = (vhost, COMPONENT, name)
    form = dialogs.as_table(ShovelForm)
    return dialogs.edit(request, _noun(), acts.SET, names, says, put, form, form_template=_FORM)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def shovel_delete(request: HttpRequest) -> HttpResponse:
    """Delete a shovel."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    values = {"name": name, "vhost": vhost}
    says = [
        _(
            "The shovel %(name)s (vhost %(vhost)s) ends at once, and is deleted with its addresses and passwords."
        )
        % values,
        _("What it has in hand goes back to its source; what it moved stays where it is."),
    ]
    act = partial(acts.delete, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    title, done = _("Delete the shovel %(name)s") % values, _("The shovel %(name)s was deleted.") % values
    return dialogs.sure(request, _noun(), acts.DELETE, name, title, says, _("Delete it"), done, act)


@permissions.operate.of("vhost")
@require_http_methods(["GET", "POST"])
def shovel_restart(request: HttpRequest) -> HttpResponse:
    """Have a shovel connect anew."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    values = {"name": name, "vhost": vhost}
    says = [
        _("The shovel %(name)s (vhost %(vhost)s) closes its connections and opens them again.") % values,
        _("What it has in hand goes back to its source, and may come twice."),
    ]
    act = partial(acts.restart, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    return dialogs.sure(
        request,
        _noun(),
        acts.RESTART,
        name,
        _("Restart the shovel %(name)s") % values,
        says,
        _("Restart it"),
        _("The shovel %(name)s begins anew.") % values,
        act,
        icon="refresh",
        danger=False,
    )
