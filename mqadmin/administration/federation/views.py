"""Federation: links with how they do, upstreams, sets of upstreams."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import known
from mqadmin.administration.federation import acts, pages
from mqadmin.administration.federation.forms import SetForm, UpstreamForm
from mqadmin.administration.federation.lists import LINKS, SETS, UPSTREAMS
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import asked
from mqadmin.administration.listed.views import Words
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.parameters import dialogs
from mqadmin.administration.parameters.dialogs import Noun
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.rabbit.administration.federation import SET, UPSTREAM


def _upstreams() -> Noun:
    return Noun(UPSTREAM, "federation_upstream_list", _("Upstreams"))


def _sets() -> Noun:
    return Noun(SET, "federation_set_list", _("Sets of upstreams"))


@permissions.view.of("vhost")
@require_safe
def link_list(request: HttpRequest) -> HttpResponse:
    """All links of a broker, those first that are down."""
    none, placeholder = _("No links"), _("Exchange, queue, upstream, or is:wrong type:queue")
    return _page(request, LINKS, none, placeholder, "links", pages.link_row)


@permissions.view.of("vhost")
@require_safe
def upstream_list(request: HttpRequest) -> HttpResponse:
    """All upstreams of a broker."""
    return _page(
        request,
        UPSTREAMS,
        _("No upstreams"),
        _("Name, or down>0 vhost:shop"),
        "upstreams",
        pages.upstream_row,
    )


@permissions.view.of("vhost")
@require_safe
def set_list(request: HttpRequest) -> HttpResponse:
    """All sets of upstreams of a broker."""
    return _page(request, SETS, _("No sets"), _("Name, or vhost:shop"), "sets", pages.set_row)


def _page(request: HttpRequest, kind: Kind, none: str, placeholder: str, at: str, shape: Any) -> HttpResponse:
    return listed.page(
        request,
        kind,
        Words(title=_("Federation"), placeholder=placeholder, none=none, icon="topology-star-3"),
        rows=f"administration/_federation_{at}.html",
        template="administration/federation.html",
        shape=shape,
        more={"at": at},
    )


@permissions.operate.of("vhost")
@require_http_methods(["GET", "POST"])
def link_restart(request: HttpRequest) -> HttpResponse:
    """Have a link connect anew."""
    vhost, id_, node, name = asked(request, "vhost", "id", "node", "name")
    slug = brokers.current(request)
    values = {"name": name, "vhost": vhost, "node": node}
    act = partial(
        acts.restart, broker=slug, by=audit.actor(request), vhost=vhost, id=id_, node=node, name=name
    )
    return dialogs.sure(
        request,
        Noun("", "federation_link_list", _("Federation")),
        acts.RESTART,
        name,
        _("Restart the link of %(name)s") % values,
        [
            _(
                "The link of %(name)s (vhost %(vhost)s, node %(node)s) closes its connection and opens it again."
            )
            % values
        ],
        _("Restart it"),
        _("The link of %(name)s begins anew.") % values,
        act,
        icon="refresh",
        danger=False,
    )


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def upstream_new(request: HttpRequest) -> HttpResponse:
    """Define an upstream."""
    slug = brokers.current(request)
    put = partial(acts.put_upstream, broker=slug, by=audit.actor(request), only_new=True)
    says = [
        _("It links nothing by itself: a policy with federation-upstream or federation-upstream-set does.")
    ]
    form = partial(UpstreamForm, vhosts=known.vhosts(slug))
    return dialogs.make(request, _upstreams(), acts.SET_UPSTREAM, _("New upstream"), says, put, form)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def upstream_edit(request: HttpRequest) -> HttpResponse:
    """Change an upstream: links to it connect anew."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    put = partial(acts.put_upstream, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    says = [_("Its links connect anew.")]
    form = dialogs.as_table(UpstreamForm)
    return dialogs.edit(request, _upstreams(), acts.SET_UPSTREAM, (vhost, UPSTREAM, name), says, put, form)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def upstream_delete(request: HttpRequest) -> HttpResponse:
    """Delete an upstream."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    values = {"name": name, "vhost": vhost}
    says = [
        _("The upstream %(name)s (vhost %(vhost)s) is deleted with its password. Its links end at once.")
        % values,
        _("What waits for them upstream stays there, until it expires."),
    ]
    act = partial(acts.delete_upstream, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    title, done = _("Delete the upstream %(name)s") % values, _("The upstream %(name)s was deleted.") % values
    return dialogs.sure(
        request, _upstreams(), acts.DELETE_UPSTREAM, name, title, says, _("Delete it"), done, act
    )


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def set_new(request: HttpRequest) -> HttpResponse:
    """Define a set of upstreams."""
    slug = brokers.current(request)
    put = partial(acts.put_set, broker=slug, by=audit.actor(request), only_new=True)
    says = [_("A policy with federation-upstream-set links to all of them.")]
    form = partial(SetForm, vhosts=known.vhosts(slug))
    return dialogs.make(request, _sets(), acts.SET_SET, _("New set of upstreams"), says, put, form)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def set_edit(request: HttpRequest) -> HttpResponse:
    """Change a set of upstreams."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    put = partial(acts.put_set, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    says = [_("Links are opened and closed as it says then.")]
    form = dialogs.as_text(SetForm, "members")
    return dialogs.edit(request, _sets(), acts.SET_SET, (vhost, SET, name), says, put, form)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def set_delete(request: HttpRequest) -> HttpResponse:
    """Delete a set of upstreams."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    values = {"name": name, "vhost": vhost}
    says = [
        _("The set %(name)s (vhost %(vhost)s) is deleted. Links by it end at once; upstreams stay.") % values
    ]
    act = partial(acts.delete_set, broker=slug, by=audit.actor(request), vhost=vhost, name=name)
    title, done = _("Delete the set %(name)s") % values, _("The set %(name)s was deleted.") % values
    return dialogs.sure(request, _sets(), acts.DELETE_SET, name, title, says, _("Delete it"), done, act)
