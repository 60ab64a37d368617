"""Severities as the API says them."""

from __future__ import annotations

from typing import Literal

from mqadmin.alerts.models import Severity

Name = Literal["info", "warning", "critical"]
NAMES: dict[int, Name] = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}
VALUES: dict[str, int] = {name: value for value, name in NAMES.items()}
