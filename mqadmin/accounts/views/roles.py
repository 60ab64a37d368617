"""The roles for a part, and who may do what with which thing. For admins."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.accounts.acts import roles
from mqadmin.accounts.acts.roles import Given
from mqadmin.accounts.forms.role import RoleForm, RuleForms, broker_offers
from mqadmin.accounts.pages import shown, who
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering


@permissions.configure
@require_GET
def role_list(request: HttpRequest) -> HttpResponse:
    """Every role, what it grants in words, and how many have it."""
    context = {"roles": who.listed(), "built_in": shown.role_words()}
    return rendering.page(request, "accounts/roles.html", context)


@permissions.configure
@require_http_methods(["GET", "POST"])
def role_new(request: HttpRequest) -> HttpResponse:
    """Make a role."""

    def act(name: str, rules: list[Given]) -> str:
        roles.create(by=audit.actor(request), name=name, rules=rules)
        return _("The role is made. Give it to accounts on their pages.")

    return _form(request, act, None)


@permissions.configure
@require_http_methods(["GET", "POST"])
def role_edit(request: HttpRequest, role_id: int) -> HttpResponse:
    """Change a role: its name, its rules."""
    role = _role(role_id)

    def act(name: str, rules: list[Given]) -> str:
        roles.change(by=audit.actor(request), role=role, name=name, rules=rules)
        return _("Changed: it holds from the next request on.")

    return _form(request, act, role)


@permissions.configure
@require_POST
def role_delete(request: HttpRequest, role_id: int) -> HttpResponse:
    """Delete a role: who had it loses what it gave."""
    roles.delete(by=audit.actor(request), role=_role(role_id))
    return rendering.moved(request, reverse("role_list"), _("The role is deleted."))


@permissions.configure
@require_POST
def account_roles(request: HttpRequest, user_id: int) -> HttpResponse:
    """Give an account the roles for a part that are ticked, in place of those that it had."""
    user = get_object_or_404(User, pk=user_id)
    roles.give(by=audit.actor(request), user=user, roles=request.POST.getlist("roles"))
    return rendering.moved(
        request, reverse("account_detail", args=[user.pk]), _("It holds from their next request on.")
    )


@permissions.configure
@require_GET
def access(request: HttpRequest) -> HttpResponse:
    """Who may do what with a broker, a virtual host or a queue, and why."""
    thing = {name: request.GET.get(name, "")[:255] for name in ("broker", "vhost", "queue")}
    known = broker_offers()[1:]
    if thing["broker"] not in known:
        thing["broker"] = known[0] if known else ""
    context = {"thing": thing, "brokers": known, "holders": who.holders(**thing), "needs_vhost": False}
    if thing["queue"] and not thing["vhost"]:  # a queue is in a virtual host
        context |= {"holders": [], "needs_vhost": True}
    return rendering.page(request, "accounts/access.html", context)


def _form(request: HttpRequest, act: Any, role: Group | None) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    initial = [given._asdict() for given in roles.rules_of(role)] if role else []
    form = RoleForm(posted, initial={"name": role.name if role else ""})
    rules = RuleForms(posted, initial=initial, prefix="rule")
    status = 200
    if posted is not None:
        status = 422
        if form.is_valid() and rules.is_valid():
            found = [given for rule in rules if (given := rule.given)]
            try:
                text = act(form.cleaned_data["name"], found)
            except Refusal as refusal:
                form.blame(refusal)
                status = refusal.status
            else:
                return rendering.moved(request, reverse("role_list"), text)
    context: dict[str, Any] = {"form": form, "rules": rules, "role": role, "brokers": broker_offers()}
    if role:
        context["holders"] = role.user_set.order_by("username")[:200]
    return rendering.page(request, "accounts/role.html", context, status=status)


def _role(pk: int) -> Group:
    return get_object_or_404(roles.own(), pk=pk)
