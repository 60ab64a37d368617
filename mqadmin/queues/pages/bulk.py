"""The buttons for the ticked queues of the list."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.core import hooks
from mqadmin.core.hooks import Bulk


def mute() -> Bulk:
    return Bulk(_("Mute…"), "queues_mute", "clock-pause")


def owner() -> Bulk:
    return Bulk(_("Owner…"), "queues_owner", "user")


def purge() -> Bulk:
    return Bulk(_("Purge…"), "queues_purge", "eraser")


def delete() -> Bulk:
    return Bulk(_("Delete…"), "queues_delete", "trash", needs="configure", danger=True)


def register() -> None:
    """Offer them. Called once the app is ready."""
    for act in (mute, owner, purge, delete):
        hooks.register_queue_act(act)
