"""What an act would touch besides what it is about: computed by whoever knows, shown in the dialog before it.

A provider is registered for an action by its name in the audit log ("exchange.delete"). It gets the broker and the
values that the service would be called with, and returns a panel (a template and what it is rendered with), or
None. It may ask the broker. A RabbitError that it raises is shown in its place: that effects are not known is no
reason to show none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock
from typing import Any

from mqadmin.core.hooks import Panel, Registry
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.errors import RabbitError

Provider = Callable[[str, Mapping[str, Any]], Panel | None]
_providers: dict[str, Registry[Provider]] = {}
_loading = Lock()


def register(action: str, provider: Provider) -> None:
    """Have `provider(broker, values)` asked before each such act."""
    _providers.setdefault(action, Registry()).register(provider)


def known(action: str) -> bool:
    """Whether anybody knows what such an act touches."""
    return action in _known()


def panels(action: str, broker: str, values: Mapping[str, Any]) -> list[Panel]:
    """Return what such an act with these values would touch."""
    return [panel for provider in _known().get(action, ()) if (panel := _asked(provider, broker, values))]


def _known() -> Mapping[str, Registry[Provider]]:
    with _loading:  # each provider registers once
        _load()
    return _providers


@cache
def _load() -> None:
    """Have who knows register: when the first page asks, as a consumer's process never does."""
    from mqadmin.administration.pages import leaving, shut_out, touched

    touched.register()
    leaving.register()
    shut_out.register()


def _asked(provider: Provider, broker: str, values: Mapping[str, Any]) -> Panel | None:
    try:
        return provider(broker, values)
    except RabbitError as error:
        return Panel("administration/_effects_unknown.html", {"fault": live_fault(error)})
