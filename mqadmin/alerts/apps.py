"""What the alerts hang on at start."""

from __future__ import annotations

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "mqadmin.alerts"
    label = "alerts"
