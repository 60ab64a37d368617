"""The API's calls for handlers, consumers, processes, hosts and records."""

from __future__ import annotations

from ninja import Router

from consumers.api import consumers, drafts, files, handlers, hosts, processes, records, trying

router = Router()
for part in (handlers, consumers, drafts, files, trying, processes, hosts, records):
    router.add_router("", part.router)
