"""Addresses of accounts, tokens, and of signing in. An account may be called anything: it is known by its id."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from mqadmin.accounts.views import accounts, roles, tokens


def later(module: str, name: str, *, is_open: bool = False) -> Callable[..., HttpResponse]:
    """Return a view whose module is imported with its first request: what speaks to providers and knows keys is 13
    MB in each process that has addresses. `is_open`: to who is not signed in."""

    def view(request: HttpRequest, **named: Any) -> HttpResponse:
        found = getattr(import_module(f"mqadmin.accounts.{module}"), name)
        response: HttpResponse = found(request, **named)
        return response

    view.__name__ = view.__qualname__ = name
    view.login_required = not is_open  # type: ignore[attr-defined]  # as Django's own decorators say it
    return view


urlpatterns = [
    path("account/tokens/", tokens.token_list, name="token_list"),
    path("account/tokens/<int:token_id>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("login/with/", later("provider.views", "provider_begin", is_open=True), name="provider_begin"),
    path("login/with/back/", later("provider.views", "provider_back", is_open=True), name="provider_back"),
    path(
        "login/second/",
        later("two_factor.signing_in", "second_factor_view", is_open=True),
        name="second_factor",
    ),
    path(
        "login/passkey/",
        later("two_factor.signing_in", "passkey_sign_in", is_open=True),
        name="passkey_sign_in",
    ),
    path(
        "login/passkey/asked/",
        later("two_factor.signing_in", "passkey_asked", is_open=True),
        name="passkey_asked",
    ),
    path("account/two-factor/", later("two_factor.views", "two_factor"), name="two_factor"),
    path(
        "account/two-factor/confirm/",
        later("two_factor.confirming", "two_factor_confirm"),
        name="two_factor_confirm",
    ),
    path("account/two-factor/app/", later("two_factor.views", "two_factor_app"), name="two_factor_app"),
    path("account/two-factor/passkey/", later("two_factor.views", "two_factor_key"), name="two_factor_key"),
    path(
        "account/two-factor/passkey/asked/",
        later("two_factor.views", "two_factor_key_asked"),
        name="two_factor_key_asked",
    ),
    path("account/two-factor/codes/", later("two_factor.views", "two_factor_codes"), name="two_factor_codes"),
    path(
        "account/two-factor/<int:factor_id>/remove/",
        later("two_factor.views", "two_factor_remove"),
        name="two_factor_remove",
    ),
    path("accounts/", accounts.account_list, name="account_list"),
    path("accounts/access/", roles.access, name="access"),
    path("accounts/roles/", roles.role_list, name="role_list"),
    path("accounts/roles/new/", roles.role_new, name="role_new"),
    path("accounts/roles/<int:role_id>/", roles.role_edit, name="role_edit"),
    path("accounts/roles/<int:role_id>/delete/", roles.role_delete, name="role_delete"),
    path("accounts/<int:user_id>/roles/", roles.account_roles, name="account_roles"),
    path("accounts/new/", accounts.account_new, name="account_new"),
    path("accounts/<int:user_id>/", accounts.account_detail, name="account_detail"),
    path("accounts/<int:user_id>/role/", accounts.account_role, name="account_role"),
    path("accounts/<int:user_id>/switch/", accounts.account_switch, name="account_switch"),
    path("accounts/<int:user_id>/password/", accounts.account_password, name="account_password"),
    path("accounts/<int:user_id>/sign-out/", accounts.account_sign_out, name="account_sign_out"),
    path("accounts/<int:user_id>/leave/", accounts.account_leave, name="account_leave"),
    path(
        "accounts/<int:user_id>/second-factor/take-away/",
        accounts.account_second_factor,
        name="account_second_factor",
    ),
    path("accounts/<int:user_id>/unlock/", accounts.account_unlock, name="account_unlock"),
    path(
        "accounts/<int:user_id>/tokens/<int:token_id>/revoke/",
        accounts.account_token_revoke,
        name="account_token_revoke",
    ),
]
