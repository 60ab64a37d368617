"""What taps add to the rest: pages, a thread of the monitor, what is deleted when it is old."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.core import hooks
from mqadmin.passing.acts import restored, taps
from mqadmin.passing.tapping import thread


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    hooks.register_nav_part(hooks.NavPart("messages", "taps", _("Taps"), "eye"))
    hooks.register_nav_part(hooks.NavPart("messages", "journey", _("Journey"), "route-2"))
    hooks.register_monitor_thread(thread.start)
    hooks.register_retention(taps.forget)
    hooks.register_restored(restored.stand_down)
    hooks.register_bulky_tables(*restored.BULKY)
