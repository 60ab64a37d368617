"""The accounts: list, one of them, what is done to it. For admins."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.accounts.acts import accounts, tokens
from mqadmin.accounts.forms.account import NewAccount
from mqadmin.accounts.pages import shown, who
from mqadmin.core import permissions
from mqadmin.core.access import sign_on
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.models import ApiToken, AuditEntry
from mqadmin.core.pages import rendering

LATEST = 20


@permissions.configure
@require_GET
def account_list(request: HttpRequest) -> HttpResponse:
    """Every account: its role, when it signed in last, its tokens."""
    q = request.GET.get("q", "").strip()[:150]
    page, rows = shown.page(q, request.GET.get("page"))
    context = {"page": page, "rows": rows, "q": q}
    return rendering.page(request, "accounts/list.html", context)


@permissions.configure
@never_cache
@require_http_methods(["GET", "POST"])
def account_new(request: HttpRequest) -> HttpResponse:
    """Make an account. A random password is shown this once."""
    if request.method == "GET":
        return _form(request, NewAccount())
    form = NewAccount(request.POST)
    if form.is_valid():
        try:
            user, password = accounts.create(by=audit.actor(request), **form.cleaned_data)
        except Refusal as refusal:
            form.blame(refusal)
        else:
            if form.cleaned_data["password"]:
                text = _("The account is made.")
                return rendering.moved(request, reverse("account_detail", args=[user.pk]), text)
            return _password(request, user, password)
    return _form(request, form, status=422)


@permissions.configure
@require_GET
def account_detail(request: HttpRequest, user_id: int) -> HttpResponse:
    """One account: its role, how it signs in, its tokens, what it did last."""
    user = get_object_or_404(User, pk=user_id)
    latest = AuditEntry.objects.filter(actor=user.get_username())[:LATEST]
    context = {
        "account": shown.accounts(User.objects.filter(pk=user.pk))[0],
        "is_own": user.pk == request.user.pk,
        "roles": shown.role_words(),
        "own_roles": shown.own_roles(),
        "lines": who.lines(user),
        "tokens": shown.tokens(user),
        "wrong": shown.wrong_passwords(user),
        "has_sign_on": sign_on.is_on(),
        "has_password": user.has_usable_password(),
        "role_is_given": sign_on.decides_roles() and not user.has_usable_password(),
        "latest": latest,
    }
    return rendering.page(request, "accounts/account.html", context)


@permissions.configure
@require_POST
def account_role(request: HttpRequest, user_id: int) -> HttpResponse:
    """Give an account another role."""
    user = get_object_or_404(User, pk=user_id)
    role = request.POST.get("role", "")
    accounts.give_role(by=audit.actor(request), user=user, role=role)
    text = _("%(name)s is %(role)s now.") % {"name": user.get_username(), "role": role}
    if not role:
        text = _("%(name)s has no role for everything now.") % {"name": user.get_username()}
    return _back(request, user, text)


@permissions.configure
@require_POST
def account_switch(request: HttpRequest, user_id: int) -> HttpResponse:
    """Switch an account on (`on=1`) or off."""
    user = get_object_or_404(User, pk=user_id)
    is_on = request.POST.get("on") == "1"
    accounts.switch(by=audit.actor(request), user=user, is_on=is_on)
    text = _("The account may sign in again.") if is_on else _("The account is switched off, from now on.")
    return _back(request, user, text)


@permissions.configure
@never_cache
@require_http_methods(["GET", "POST"])
def account_password(request: HttpRequest, user_id: int) -> HttpResponse:
    """Give an account a random password, and show it this once."""
    user = get_object_or_404(User, pk=user_id)
    if request.method == "GET":
        return rendering.page(request, "accounts/password.html", {"account": user})
    return _password(request, user, accounts.new_password(by=audit.actor(request), user=user))


@permissions.configure
@require_POST
def account_sign_out(request: HttpRequest, user_id: int) -> HttpResponse:
    """End all sessions of an account."""
    user = get_object_or_404(User, pk=user_id)
    count = accounts.sign_out(by=audit.actor(request), user=user)
    text = ngettext("%(n)d session ended.", "%(n)d sessions ended.", count) % {"n": count}
    if user.pk == request.user.pk:
        return rendering.moved(request, reverse("login"))
    return _back(request, user, text)


@permissions.configure
@require_POST
def account_leave(request: HttpRequest, user_id: int) -> HttpResponse:
    """Leave an account to the sign-on at the proxy."""
    user = get_object_or_404(User, pk=user_id)
    accounts.leave_to_sign_on(by=audit.actor(request), user=user)
    return _back(request, user, _("Who signs on by this name has the account from now on."))


@permissions.configure
@require_POST
def account_unlock(request: HttpRequest, user_id: int) -> HttpResponse:
    """Forget the wrong passwords that were tried for an account."""
    user = get_object_or_404(User, pk=user_id)
    accounts.unlock(by=audit.actor(request), user=user)
    return _back(request, user, _("The wrong passwords are forgotten: the right one is looked at again."))


@permissions.configure
@require_POST
def account_token_revoke(request: HttpRequest, user_id: int, token_id: int) -> HttpResponse:
    """Take back a token of an account."""
    token = get_object_or_404(ApiToken.objects.select_related("user"), pk=token_id, user_id=user_id)
    tokens.revoke(by=audit.actor(request), token=token)
    return _back(request, token.user, _("Revoked: the next call with it is refused."))


def _form(request: HttpRequest, form: NewAccount, status: int = 200) -> HttpResponse:
    return rendering.page(request, "accounts/new.html", {"form": form}, status=status)


def _password(request: HttpRequest, user: User, password: str) -> HttpResponse:
    context: dict[str, Any] = {"account": user, "password": password}
    return rendering.page(request, "accounts/password.html", context)


def _back(request: HttpRequest, user: User, text: str) -> HttpResponse:
    return rendering.moved(request, reverse("account_detail", args=[user.pk]), text)
