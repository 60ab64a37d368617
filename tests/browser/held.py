"""Requests that wait until a test lets them go."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route


class Held:
    """Holds back each request of `method` whose address matches; counts them, those let go too."""

    def __init__(self, page: Page, address: str, method: str = "GET") -> None:
        self.count = 0
        self._method = method
        self._waiting: list[Route] | None = []
        page.route(re.compile(address), self._arrived)

    def _arrived(self, route: Route) -> None:
        if route.request.method != self._method:
            route.continue_()
            return
        self.count += 1
        if self._waiting is None:
            route.continue_()
        else:
            self._waiting.append(route)

    def let_go(self) -> None:
        """Let the requests pass that wait, and all later ones."""
        waiting, self._waiting = self._waiting or [], None
        for route in waiting:
            route.continue_()
