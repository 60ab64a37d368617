"""What administration adds to the rest: a thread of the monitor, the deletion of lists that nobody looks at."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.converting import acting
from mqadmin.administration.effects import providers
from mqadmin.administration.listing import thread
from mqadmin.core import hooks
from mqadmin.core.hooks import NavPart
from mqadmin.rabbit.effects.effect import Level

# The pages in the sidebar's groups, as the first part of their address, what they are called, their icon.
NOUNS = (
    NavPart("messages", "exchanges", _("Exchanges"), "sitemap"),
    NavPart("messages", "bindings", _("Bindings"), "link"),
    NavPart("clients", "connections", _("Connections"), "plug-connected"),
    NavPart("clients", "channels", _("Channels"), "switch-horizontal"),
    NavPart("rules", "policies", _("Policies"), "list-check"),
    NavPart("rules", "parameters", _("Parameters"), "list-details"),
    NavPart("rules", "shovels", _("Shovels"), "transfer"),
    NavPart("rules", "federation", _("Federation"), "topology-star-3"),
    NavPart("access", "vhosts", _("Virtual hosts"), "layers-linked"),
    NavPart("access", "users", _("Users"), "users"),
    NavPart("access", "permissions", _("Permissions"), "lock"),
    NavPart("access", "limits", _("Limits"), "adjustments"),
    NavPart("cluster", "nodes", _("Nodes"), "server-2"),
    NavPart("cluster", "feature-flags", _("Feature flags"), "flag"),
    NavPart("cluster", "upgrade", _("Before an upgrade"), "versions", is_last=True),
)


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    hooks.register_queue_panel(_rights)
    hooks.register_touched(providers.panels)
    hooks.register_foretold(_foretold)
    providers.register_later(_effects)
    hooks.register_queue_doors(_doors)
    hooks.register_operation_page(acting.KIND, _conversion)
    for part in NOUNS:
        hooks.register_nav_part(part)
    hooks.register_monitor_thread(thread.start)
    hooks.register_retention(thread.forget)
    hooks.register_queue_panel(_policies)


# What only pages show is imported when one asks: each consumer's process starts without.


def _rights(queue: Any, request: HttpRequest) -> hooks.Panel | None:
    from mqadmin.administration.permissions import rights

    return rights.queue_panel(queue, request)


def _foretold(action: str, broker: str, values: dict[str, Any]) -> list[tuple[Level, str]]:
    from mqadmin.administration.acting import second

    return second.told(action, broker, values)


def _policies(queue: Any, request: HttpRequest) -> hooks.Panel | None:
    from mqadmin.administration.policies import pages as policies

    return policies.queue_panel(queue, request)


def _effects() -> None:
    from mqadmin.administration.effects import touched
    from mqadmin.administration.members import touched as members_touched
    from mqadmin.administration.permissions import shut_out
    from mqadmin.administration.users import leaving

    touched.register()
    leaving.register()
    shut_out.register()
    members_touched.register()


def _conversion(operation: Any) -> str:
    return reverse("conversion_detail", args=[operation.pk])


def _doors(queue: Any) -> hooks.QueueDoors:
    from mqadmin.administration.bindings import doors

    return doors.doors(queue)
