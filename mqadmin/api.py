"""The JSON API, v1: each app brings its router; `mqadmin.core.api` makes the NinjaAPI they hang on."""

from __future__ import annotations

from consumers.api import router as consumers
from mqadmin.core.api import create_api
from mqadmin.core.api import router as core
from mqadmin.deadletters.api import router as deadletters
from mqadmin.queues.api import router as queues

api = create_api()
for router in (core, queues, consumers, deadletters):
    api.add_router("", router)
