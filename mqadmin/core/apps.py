"""What the core sets up at start: the roles after every migrate."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "mqadmin.core"
    label = "core"

    def ready(self) -> None:
        from mqadmin.core import permissions

        post_migrate.connect(permissions.ensure_roles, sender=self)
