"""What definitions add to the rest: a page, threads of the monitor, and what is deleted when it is old."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.core import hooks
from mqadmin.definitions.keeping import retention, thread


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    hooks.register_nav_part(hooks.NavPart("cluster", "definitions", _("Definitions"), "versions"))
    hooks.register_monitor_thread(thread.start)
    hooks.register_retention(retention.forget)
