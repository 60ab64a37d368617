"""What the dead letters add to the other apps: the collectors' sink, operations, parts of their pages."""

from __future__ import annotations

from django.apps import AppConfig


class DeadlettersConfig(AppConfig):
    name = "mqadmin.deadletters"
    label = "deadletters"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from consumers import collecting

        # Importing requeue, decide and trials registers the runners of their operations.
        from mqadmin.deadletters import (  # noqa: F401
            acting,
            capture,
            decide,
            fulltext,
            hooks,
            requeue,
            tally,
            trials,
        )

        collecting.register(capture.sink_for)
        hooks.register()
        post_migrate.connect(tally.install, sender=self)
        post_migrate.connect(fulltext.install, sender=self)
