"""The JSON API that the apps hang their calls on, and the core's own calls; metrics for Prometheus."""

from __future__ import annotations

from ninja import Router

from mqadmin.core.api import audit, operations, restored

router = Router()
for part in (operations, audit, restored):
    router.add_router("", part.router)
