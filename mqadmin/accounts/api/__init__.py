"""The API's calls for accounts and tokens, and who one is."""

from __future__ import annotations

from ninja import Router

from mqadmin.accounts.api import accounts, roles, tokens

router = Router()
for part in (accounts, roles, tokens):
    router.add_router("", part.router)
