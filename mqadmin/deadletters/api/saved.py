"""The API's calls for the saved views of the inbox."""

from __future__ import annotations

from ninja import Router

from mqadmin.core.api import saved
from mqadmin.core.api.plumbing import VIEW
from mqadmin.deadletters.inbox.saved import SHELF

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))
saved.add(router, "/dead-letters/views", SHELF, "letter")
