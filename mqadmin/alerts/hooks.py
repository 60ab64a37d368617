"""What alerts add to the rest: a thread of the monitor, metrics, what is deleted when it is old, parts of pages."""

from __future__ import annotations

from mqadmin.alerts import metrics
from mqadmin.alerts.acts import restored
from mqadmin.alerts.engine import retention, thread
from mqadmin.alerts.pages import elsewhere
from mqadmin.alerts.telling import audited
from mqadmin.core import hooks


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    hooks.register_monitor_thread(thread.start)
    hooks.register_monitor_thread(audited.start)
    hooks.register_retention(retention.forget)
    hooks.register_metrics(metrics.families)
    hooks.register_restored(restored.stand_down)
    hooks.register_attention(elsewhere.attention)
    hooks.register_nav_badge("alerts", elsewhere.badge)
    hooks.register_queue_panel(elsewhere.queue_panel)
