"""What the approvals app hangs on shared pages at start."""

from __future__ import annotations

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "mqadmin.approvals"
    label = "approvals"

    def ready(self) -> None:
        from mqadmin.approvals import hooks

        hooks.register()
