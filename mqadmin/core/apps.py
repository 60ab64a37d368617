"""What the core sets up at start: what is checked before every migrate, the roles after it, upkeep."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate, post_save, pre_migrate


class CoreConfig(AppConfig):
    name = "mqadmin.core"
    label = "core"

    def ready(self) -> None:
        from django.contrib.auth.models import User

        from mqadmin.core import hooks, metrics_sent, own_health, permissions, schemas
        from mqadmin.core.access import checks as access_checks
        from mqadmin.core.access import telling, upkeep
        from mqadmin.core.rows import giving_back, schema_check
        from mqadmin.rabbit.reading import decoders

        decoders.use(schemas.rules)
        schemas.rules()  # what is wrong in the file is told at the start
        checks.register(access_checks.proxies, checks.Tags.security)
        checks.register(access_checks.sign_on, checks.Tags.security)
        checks.register(access_checks.base_path, checks.Tags.urls)
        hooks.register_retention(upkeep.delete_old)
        hooks.register_metrics(own_health.families)
        hooks.register_monitor_thread(metrics_sent.start)
        post_save.connect(telling.note_new, sender=User)

        pre_migrate.connect(schema_check.check, sender=self)
        pre_migrate.connect(giving_back.prepare, sender=self)
        post_migrate.connect(permissions.ensure_roles, sender=self)
