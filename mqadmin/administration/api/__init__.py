"""The API's calls for what a broker is made of besides its queues: a router a noun."""

from __future__ import annotations

from ninja import Router

from mqadmin.administration.api import bindings, exchanges, flags, nodes

router = Router()
for part in (
    exchanges,
    bindings,
    nodes,
    flags,
):
    router.add_router("", part.router)
