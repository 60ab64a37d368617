"""The API's calls for alerts."""

from __future__ import annotations

from ninja import Router

from mqadmin.alerts.api import channels, deliveries, incidents, rules, silences

router = Router()
for part in (incidents, rules, channels, silences, deliveries):
    router.add_router("", part.router)
