"""The app's name to Django."""

from __future__ import annotations

from django.apps import AppConfig


class PassingConfig(AppConfig):
    name = "mqadmin.passing"
    label = "passing"

    def ready(self) -> None:
        from mqadmin.passing import hooks

        hooks.register()
