"""The API's calls for what a broker is made of besides its queues: a router a noun."""

from __future__ import annotations

from ninja import Router

from mqadmin.administration.api import (
    bindings,
    connections,
    exchanges,
    federation,
    flags,
    nodes,
    parameters,
    permissions,
    policies,
    publishing,
    shovels,
    users,
    vhosts,
)

router = Router()
for part in (
    exchanges,
    publishing,
    bindings,
    connections,
    vhosts,
    users,
    permissions,
    policies,
    parameters,
    shovels,
    federation,
    nodes,
    flags,
):
    router.add_router("", part.router)
