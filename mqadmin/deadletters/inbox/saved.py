"""The saved views of the inbox."""

from __future__ import annotations

from collections.abc import Mapping

from mqadmin.core.pages.saved import Shelf
from mqadmin.deadletters.models import SavedView
from mqadmin.deadletters.search import searching


def _told(asked: Mapping[str, str]) -> Mapping[str, str]:
    """Return a search without what may be of a masked field."""
    return {**asked, **({"q": searching.without_masked(asked["q"])} if "q" in asked else {})}


KEPT = ("q", "status", "source", "queue", "vhost", "reason", "group", "since", "until")
SHELF = Shelf(SavedView, KEPT, "dead_letters", _told)
