"""The API's calls for brokers and queues."""

from __future__ import annotations

from ninja import Router

from mqadmin.queues.api import brokers, defining, history, many, marks, messages, saved, settings, why

router = Router()
# The router of `defining` is that of `queues`, with what is declared and deleted beside what is listed.
for part in (brokers, defining, many, saved, settings, history, why, marks, messages):
    router.add_router("", part.router)
