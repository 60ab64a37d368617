"""What the alerts hang on at start."""

from __future__ import annotations

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "mqadmin.alerts"
    label = "alerts"

    def ready(self) -> None:
        from mqadmin.alerts import hooks

        hooks.register()
