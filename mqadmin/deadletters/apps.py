"""What the dead letters add to the other apps: the collectors' sink, operations, parts of their pages."""

from __future__ import annotations

from django.apps import AppConfig


class DeadlettersConfig(AppConfig):
    name = "mqadmin.deadletters"
    label = "deadletters"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from consumers.process import collectors

        # Importing requeue, decide, patching and trials registers the runners of their operations, and retention
        # what it deletes and announces.
        from mqadmin.deadletters import hooks
        from mqadmin.deadletters.acts import decide, patching, retention  # noqa: F401
        from mqadmin.deadletters.automatic import trials  # noqa: F401
        from mqadmin.deadletters.capture import capture
        from mqadmin.deadletters.masking import masking
        from mqadmin.deadletters.requeue import guard, requeue  # noqa: F401
        from mqadmin.deadletters.search import fulltext, tally

        masking.rules()  # a rule that hides nothing is told at the start
        collectors.register(capture.sink_for)
        hooks.register()
        post_migrate.connect(tally.install, sender=self)
        post_migrate.connect(guard.install, sender=self)
        post_migrate.connect(fulltext.install, sender=self)
