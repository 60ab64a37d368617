"""What the core sets up at start: what is checked before every migrate, and the roles after it."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CoreConfig(AppConfig):
    name = "mqadmin.core"
    label = "core"

    def ready(self) -> None:
        from mqadmin.core import permissions
        from mqadmin.core.rows import schema_check

        pre_migrate.connect(schema_check.check, sender=self)
        post_migrate.connect(permissions.ensure_roles, sender=self)
