"""What the queues app hangs on shared pages at start."""

from __future__ import annotations

from django.apps import AppConfig


class QueuesConfig(AppConfig):
    name = "mqadmin.queues"
    label = "queues"

    def ready(self) -> None:
        from mqadmin.core import hooks
        from mqadmin.history import happenings
        from mqadmin.queues import metrics
        from mqadmin.queues.acts import deleting, many, moving, purging, snapshots  # noqa: F401
        from mqadmin.queues.monitor.cluster import events
        from mqadmin.queues.pages import attention, broker_happenings, broker_status, bulk

        bulk.register()
        hooks.register_attention(attention.attention)
        hooks.register_nav_badge("queues", attention.badge)
        hooks.register_find(attention.find)
        hooks.register_overview_tiles(attention.tiles)
        hooks.register_freshness(broker_status.freshness)
        hooks.register_broker_facts(broker_status.facts)
        hooks.register_metrics(metrics.families)
        hooks.register_retention(snapshots.forget)
        hooks.register_retention(events.forget)
        happenings.register(broker_happenings.happenings)
