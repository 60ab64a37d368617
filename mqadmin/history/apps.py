"""What the history app hangs on at start: its retention; a setting that cannot be read ends the process."""

from __future__ import annotations

import time
from datetime import timedelta

from django.apps import AppConfig
from django.utils import timezone

from mqadmin import given


class HistoryConfig(AppConfig):
    name = "mqadmin.history"
    label = "history"

    def ready(self) -> None:
        from mqadmin.core import hooks
        from mqadmin.history import steps

        try:
            steps.configured()
        except ValueError as error:
            raise given.Unusable(f"MQADMIN_HISTORY: {error}.") from None
        hooks.register_retention(forget)


def forget() -> str:
    """Delete what is older than its step is kept; returns what went, in words."""
    from mqadmin.core import brokers
    from mqadmin.history import folding, marking, steps
    from mqadmin.rabbit.errors import ConfigurationError

    configured = steps.configured()
    try:
        folding.end(brokers.configs(), configured, time.time())
    except ConfigurationError:
        pass  # which brokers there are is not known: none of them is gone
    gone = folding.forget(configured, time.time())
    gone += marking.forget(timezone.now() - timedelta(seconds=configured[-1].kept))
    return f"{gone} pieces of history" if gone else ""
