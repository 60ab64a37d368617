"""The reference: each page is made from the code when the manual is built, so none can go stale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deploy.manual.reference import alert_rules, api, commands, handlers, metrics, settings, verdicts


def pages(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, Markdown) of each page, with links as from `docs/reference`."""
    yield "settings", settings.page(root)
    yield "metrics", metrics.page()
    yield "api", api.page()
    yield "verdicts", verdicts.page()
    yield "commands", commands.page()
    yield "handlers", handlers.page()
    yield "alert-rules", alert_rules.page()
