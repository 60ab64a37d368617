"""The API's calls for the saved views of the queues."""

from __future__ import annotations

from ninja import Router

from mqadmin.core.api import saved
from mqadmin.core.api.plumbing import VIEW
from mqadmin.queues.pages.saved import SHELF

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))
saved.add(router, "/queues/views", SHELF, "queue")
