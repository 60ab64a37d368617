"""Policies and operator policies: all of them, one with what it matches, set, deleted, tried."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from mqadmin.administration.acting import deciding, known
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import address, asked
from mqadmin.administration.listed.views import Words
from mqadmin.administration.policies import acts, pages
from mqadmin.administration.policies.forms import PolicyForm
from mqadmin.administration.policies.lists import POLICIES
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import prose, rendering
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.administration import policies
from mqadmin.rabbit.administration.policies import Kind
from mqadmin.rabbit.errors import NotFound, RabbitError

_FORM = "administration/_policy_form.html"


@permissions.view.of("vhost")
@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """All policies of a broker, both kinds, with what they match."""
    words = Words(
        title=_("Policies"),
        placeholder=_("Name, pattern, or is:operator queues:0 definition.max-length:1000"),
        none=_("No policies"),
        icon="adjustments",
    )
    return listed.page(
        request,
        POLICIES,
        words,
        rows="administration/_policies.html",
        template="administration/policies.html",
        shape=pages.policy_row,
        more={"denied": permissions.lacking(brokers.current(request), "configure")},
    )


@permissions.view.of("vhost")
@require_safe
def policy_detail(request: HttpRequest) -> HttpResponse:
    """One policy: what it sets in words, what it matches, where it does not apply and why."""
    vhost, name, kind = _which(request)
    slug = brokers.current(request)
    permissions.about(request, slug, None if kind == "operator" else vhost)
    found, fault, status = None, None, 200
    try:
        found = pages.whole(slug, kind, vhost, name)
    except NotFound:
        status = 404
    except RabbitError as error:
        fault, status = live_fault(error), 503
    context = {
        "broker": slug,
        "vhost": vhost,
        "name": name,
        "by_operator": kind == "operator",
        "found": found,
        "fault": fault,
        "most": pages.MOST_SHOWN,
    }
    return rendering.page(request, "administration/policy.html", context, status=status)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def policy_new(request: HttpRequest) -> HttpResponse:
    """Make a policy, or an operator policy (`kind=operator`)."""
    by_operator = request.GET.get("kind") == "operator"
    slug = brokers.current(request)
    _require(slug, by_operator)
    dialog = Dialog(
        action=acts.SET_BY_OPERATOR if by_operator else acts.SET,
        broker=slug,
        title=_("New operator policy") if by_operator else _("New policy"),
        says=[_says(by_operator)],
        label=_("Set it"),
        back=_list(slug),
        back_label=_("Policies"),
        danger=False,
        icon="check",
        values={"by_operator": by_operator},
        form_template=_FORM,
    )

    def act(form: PolicyForm) -> tuple[str, str]:
        values: dict[str, Any] = form.values
        acts.put(broker=slug, by=audit.actor(request), by_operator=by_operator, only_new=True, **values)
        return _href(slug, values["vhost"], values["name"], by_operator), _("The policy %(name)s holds.") % {
            "name": values["name"]
        }

    initial = {name: request.GET[name] for name in ("vhost", "pattern") if name in request.GET}
    make = partial(
        PolicyForm,
        vhosts=known.vhosts(slug),
        version=pages.version_of(slug),
        by_operator=by_operator,
        initial=initial,
    )
    return deciding.decide(request, dialog, act, make)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def policy_edit(request: HttpRequest) -> HttpResponse:
    """Change a policy: it is replaced as a whole."""
    vhost, name, kind = _which(request)
    by_operator = kind == "operator"
    slug = brokers.current(request)
    _require(slug, by_operator)
    now, refused = None, ""
    try:
        now = policies.one(brokers.for_page(slug), kind, vhost, name)
    except RabbitError as error:
        refused = str(error)
    values = {"vhost": vhost, "name": name, "by_operator": by_operator}
    dialog = Dialog(
        action=acts.SET_BY_OPERATOR if by_operator else acts.SET,
        broker=slug,
        title=_("Change the policy %(name)s") % values,
        says=[_says(by_operator)],
        label=_("Set it"),
        back=_href(slug, vhost, name, by_operator),
        back_label=name,
        subject=name,
        danger=False,
        icon="check",
        values=values,
        refused=refused,
        form_template=_FORM,
    )

    def act(form: PolicyForm) -> tuple[str, str]:
        given: dict[str, Any] = {**values, **form.values}
        acts.put(broker=slug, by=audit.actor(request), **given)
        return dialog.back, _("The policy %(name)s holds as it is now.") % values

    initial = {"pattern": now.pattern, "apply_to": now.apply_to, "priority": now.priority} if now else {}
    make = partial(
        PolicyForm,
        version=pages.version_of(slug),
        by_operator=by_operator,
        is_new=False,
        definition=now.definition if now else {},
        initial=initial,
    )
    return deciding.decide(request, dialog, act, make)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def policy_delete(request: HttpRequest) -> HttpResponse:
    """Delete a policy."""
    vhost, name, kind = _which(request)
    by_operator = kind == "operator"
    slug = brokers.current(request)
    _require(slug, by_operator)
    values = {"vhost": vhost, "name": name, "by_operator": by_operator}
    says = _("The policy %(name)s (vhost %(vhost)s) is deleted. What it set holds no longer, at once;")
    dialog = Dialog(
        action=acts.DELETE_BY_OPERATOR if by_operator else acts.DELETE,
        broker=slug,
        title=_("Delete the policy %(name)s") % values,
        says=[
            prose.paragraph((says % values, _("where another policy matches, that one applies instead."))),
        ],
        label=_("Delete it"),
        back=_href(slug, vhost, name, by_operator),
        back_label=name,
        subject=name,
        values=values,
    )

    act = partial(
        acts.delete, broker=slug, by=audit.actor(request), vhost=vhost, name=name, by_operator=by_operator
    )
    return deciding.sure(request, dialog, act, _("The policy %(name)s was deleted.") % values, to=_list(slug))


@permissions.view.of("vhost")
@require_GET
def policy_try(request: HttpRequest) -> HttpResponse:
    """Show which of the names that are known a pattern matches (`vhost`, `pattern`, `apply_to`)."""
    vhost, pattern = request.GET.get("vhost", ""), request.GET.get("pattern", "")
    slug = brokers.current(request)
    permissions.require(slug, vhost)
    try:
        tried = pages.tried(slug, vhost, pattern, request.GET.get("apply_to", "all")) if pattern else None
    except RabbitError:
        tried = None  # it is an extra: that it cannot be shown keeps nobody from going on
    return render(request, "administration/_policy_tried.html", {"tried": tried})


def _require(slug: str, by_operator: bool) -> None:
    """See that who asks may change such a policy: what operators set, the people of a virtual host keep to."""
    if by_operator:
        permissions.require(slug)


def _which(request: HttpRequest) -> tuple[str, str, Kind]:
    vhost, name, kind = asked(request, "vhost", "name", "kind")
    if kind not in ("policy", "operator"):
        raise Http404(_("There is no such kind of policy."))
    return vhost, name, cast(Kind, kind)


def _says(by_operator: bool) -> str:
    if by_operator:
        return _("It holds at once, besides the policy that applies: of limits the stricter one counts.")
    return _(
        "It holds at once for all that it matches, now and later, where no policy of higher priority does."
    )


def _list(slug: str) -> str:
    return address("policy_list", slug)


def _href(slug: str, vhost: str, name: str, by_operator: bool) -> str:
    return address("policy_detail", slug, vhost=vhost, name=name, kind=acts.kind_of(by_operator))
