"""The JSON API, v1: each app brings its router; `mqadmin.core.api.plumbing` makes the NinjaAPI they hang on."""

from __future__ import annotations

from consumers.api.consumers import router as consumers
from mqadmin.core.api.plumbing import create_api
from mqadmin.core.api.plumbing import router as core
from mqadmin.deadletters.api.letters import router as deadletters
from mqadmin.queues.api.queues import router as queues

api = create_api()
for router in (core, queues, consumers, deadletters):
    api.add_router("", router)
