"""The API's calls for what a broker is made of besides its queues: a router a noun."""

from __future__ import annotations

from ninja import Router

from mqadmin.administration.api import (
    bindings,
    connections,
    exchanges,
    federation,
    flags,
    limits,
    members,
    nodes,
    parameters,
    permissions,
    policies,
    publishing,
    shovels,
    upkeep,
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
    limits,
    policies,
    parameters,
    shovels,
    federation,
    nodes,
    members,
    flags,
    upkeep,
):
    router.add_router("", part.router)
