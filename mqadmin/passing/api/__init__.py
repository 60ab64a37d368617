"""The API's calls for taps and for journeys."""

from __future__ import annotations

from ninja import Router

from mqadmin.passing.api import journeys, taps

router = Router()
router.add_router("", taps.router)
router.add_router("", journeys.router)
