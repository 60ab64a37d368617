"""The API's calls for brokers and queues."""

from __future__ import annotations

from ninja import Router

from mqadmin.queues.api import brokers, history, many, marks, messages, queues, saved, settings, why

router = Router()
for part in (brokers, queues, many, saved, settings, history, why, marks, messages):
    router.add_router("", part.router)
