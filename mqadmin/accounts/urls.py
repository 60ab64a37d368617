"""Addresses of accounts and tokens. An account may be called anything: it is known by its id."""

from __future__ import annotations

from django.urls import path

from mqadmin.accounts.provider import views as provider
from mqadmin.accounts.two_factor import confirming, signing_in
from mqadmin.accounts.two_factor import views as two_factor
from mqadmin.accounts.views import accounts, tokens

urlpatterns = [
    path("account/tokens/", tokens.token_list, name="token_list"),
    path("account/tokens/<int:token_id>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("login/with/", provider.provider_begin, name="provider_begin"),
    path("login/with/back/", provider.provider_back, name="provider_back"),
    path("login/second/", signing_in.second_factor_view, name="second_factor"),
    path("login/passkey/", signing_in.passkey_sign_in, name="passkey_sign_in"),
    path("login/passkey/asked/", signing_in.passkey_asked, name="passkey_asked"),
    path("account/two-factor/", two_factor.two_factor, name="two_factor"),
    path("account/two-factor/confirm/", confirming.two_factor_confirm, name="two_factor_confirm"),
    path("account/two-factor/app/", two_factor.two_factor_app, name="two_factor_app"),
    path("account/two-factor/passkey/", two_factor.two_factor_key, name="two_factor_key"),
    path("account/two-factor/passkey/asked/", two_factor.two_factor_key_asked, name="two_factor_key_asked"),
    path("account/two-factor/codes/", two_factor.two_factor_codes, name="two_factor_codes"),
    path(
        "account/two-factor/<int:factor_id>/remove/", two_factor.two_factor_remove, name="two_factor_remove"
    ),
    path("accounts/", accounts.account_list, name="account_list"),
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
