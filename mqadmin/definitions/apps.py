"""What the definitions hang on at start."""

from __future__ import annotations

from django.apps import AppConfig


class DefinitionsConfig(AppConfig):
    name = "mqadmin.definitions"
    label = "definitions"

    def ready(self) -> None:
        from mqadmin.definitions import hooks

        hooks.register()
