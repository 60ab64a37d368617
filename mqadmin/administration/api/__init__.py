"""The API's calls for what a broker is made of besides its queues: a router a noun."""

from __future__ import annotations

from ninja import Router

from mqadmin.administration.api import bindings, exchanges, federation, parameters, policies, shovels

router = Router()
for part in (
    exchanges,
    bindings,
    policies,
    parameters,
    shovels,
    federation,
):
    router.add_router("", part.router)
