"""What administration adds to the rest: a thread of the monitor, the deletion of lists that nobody looks at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.converting import acting
from mqadmin.administration.lists import thread
from mqadmin.core import hooks

# The pages of the sidebar's group "Broker": the first part of their address, what they are called, their icon.
NOUNS = (
    ("exchanges", _("Exchanges"), "sitemap"),
    ("bindings", _("Bindings"), "link"),
    ("connections", _("Connections"), "plug-connected"),
    ("channels", _("Channels"), "switch-horizontal"),
    ("vhosts", _("Virtual hosts"), "layers-linked"),
    ("users", _("Users"), "users"),
    ("permissions", _("Permissions"), "lock"),
    ("limits", _("Limits"), "adjustments"),
    ("policies", _("Policies"), "adjustments"),
    ("parameters", _("Parameters"), "list-details"),
    ("shovels", _("Shovels"), "transfer"),
    ("federation", _("Federation"), "topology-star-3"),
    ("nodes", _("Nodes"), "server-2"),
    ("feature-flags", _("Feature flags"), "flag"),
    ("upgrade", _("Before an upgrade"), "versions"),
)


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    hooks.register_queue_panel(_rights)
    hooks.register_touched(_touched)
    hooks.register_queue_doors(_doors)
    hooks.register_operation_page(acting.KIND, _conversion)
    for key, label, icon in NOUNS:
        hooks.register_nav_part(hooks.NavPart(key, label, icon))
    hooks.register_monitor_thread(thread.start)
    hooks.register_retention(thread.forget)
    hooks.register_queue_panel(_policies)


# What only pages show is imported when one asks: each consumer's process starts without.


def _rights(queue: Any, request: HttpRequest) -> hooks.Panel | None:
    from mqadmin.administration.pages import rights

    return rights.queue_panel(queue, request)


def _policies(queue: Any, request: HttpRequest) -> hooks.Panel | None:
    from mqadmin.administration.pages import policies

    return policies.queue_panel(queue, request)


def _touched(action: str, broker: str, values: Mapping[str, Any]) -> list[hooks.Panel]:
    from mqadmin.administration.pages import effects

    return effects.panels(action, broker, values)


def _conversion(operation: Any) -> str:
    return reverse("conversion_detail", args=[operation.pk])


def _doors(queue: Any) -> hooks.QueueDoors:
    from mqadmin.administration.pages import unbinding

    return unbinding.doors(queue)
