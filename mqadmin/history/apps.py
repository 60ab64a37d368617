"""What the history app hangs on at start: its retention, and a check of its setting."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.utils import timezone


class HistoryConfig(AppConfig):
    name = "mqadmin.history"
    label = "history"

    def ready(self) -> None:
        from mqadmin.core import hooks

        hooks.register_retention(forget)
        checks.register(check_setting)


def forget() -> str:
    """Delete what is older than its step is kept; returns what went, in words."""
    from mqadmin.history import folding, marking, steps

    configured = steps.configured()
    gone = folding.forget(configured, time.time())
    gone += marking.forget(timezone.now() - timedelta(seconds=configured[-1].kept))
    return f"{gone} pieces of history" if gone else ""


def check_setting(**_options: Any) -> list[checks.CheckMessage]:
    """Refuse steps that cannot be read, before anything is recorded by them."""
    from mqadmin.history import steps

    try:
        steps.configured()
    except ValueError as error:
        return [checks.Error(f"MQADMIN_HISTORY: {error}", id="mqadmin.history")]
    return []
