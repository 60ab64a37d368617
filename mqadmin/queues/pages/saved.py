"""The saved views of the queues."""

from __future__ import annotations

from mqadmin.core.pages.saved import Shelf
from mqadmin.queues.models import SavedQueueView

KEPT = ("q", "vhost", "type", "show", "sort")
SHELF = Shelf(SavedQueueView, KEPT, "queues")
