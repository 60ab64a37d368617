"""The app's name to Django, and what it hangs on at start."""

from __future__ import annotations

from django.apps import AppConfig


class AdministrationConfig(AppConfig):
    name = "mqadmin.administration"
    label = "administration"

    def ready(self) -> None:
        from mqadmin.administration import hooks

        hooks.register()
