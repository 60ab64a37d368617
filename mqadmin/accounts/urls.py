"""Addresses of accounts and tokens. An account may be called anything: it is known by its id."""

from __future__ import annotations

from django.urls import path

from mqadmin.accounts.views import accounts, roles, tokens

urlpatterns = [
    path("account/tokens/", tokens.token_list, name="token_list"),
    path("account/tokens/<int:token_id>/revoke/", tokens.token_revoke, name="token_revoke"),
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
    path("accounts/<int:user_id>/unlock/", accounts.account_unlock, name="account_unlock"),
    path(
        "accounts/<int:user_id>/tokens/<int:token_id>/revoke/",
        accounts.account_token_revoke,
        name="account_token_revoke",
    ),
]
