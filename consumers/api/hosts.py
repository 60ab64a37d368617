"""The API's calls for the hosts that run consumers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status

from consumers.models import SupervisorHost
from consumers.supervisor import hosts
from consumers.supervisor.hosts import HostState
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, one

router = Router(tags=["consumers"], auth=VIEW)


class HostOut(Schema):
    """A host that runs consumers, as its supervisor last reported. `capacity` 0: no limit.

    `processes` live there now; `held` counts with them those that wait to start again.
    """

    name: str
    machine: str
    labels: dict[str, str]
    capacity: int
    processes: int
    held: int
    version: str
    started_at: datetime
    heartbeat_at: datetime
    silent: bool
    drained: bool


class HostList(Schema):
    items: list[HostOut]
    total: int
    next: str | None


def host_out(state: HostState) -> dict[str, Any]:
    """Return a host as `HostOut` gives it."""
    row = state.row
    return {
        "name": row.name,
        "machine": row.machine,
        "labels": row.labels,
        "capacity": row.capacity,
        "processes": state.running,
        "held": state.held,
        "version": row.version,
        "started_at": row.started_at,
        "heartbeat_at": row.heartbeat_at,
        "silent": state.is_silent,
        "drained": row.drained,
    }


@router.get("/hosts", response=HostList)
def host_list(request: HttpRequest) -> dict[str, Any]:
    """List the hosts that run consumers, by name."""
    items = [host_out(state) for state in hosts.states()]
    return {"items": items, "total": len(items), "next": None}


@router.post("/hosts/{name}/drain", response=HostOut, auth=CONFIGURE)
def host_drain(request: HttpRequest, name: str) -> dict[str, Any]:
    """Start nothing new on a host; the processes there go on."""
    hosts.drain(host=_host(name), by=audit.actor(request))
    return _host_out(name)


@router.post("/hosts/{name}/undrain", response=HostOut, auth=CONFIGURE)
def host_undrain(request: HttpRequest, name: str) -> dict[str, Any]:
    """Let processes be started on a host again."""
    hosts.undrain(host=_host(name), by=audit.actor(request))
    return _host_out(name)


@router.delete("/hosts/{name}", response={204: None}, auth=CONFIGURE)
def host_forget(request: HttpRequest, name: str) -> Status[None]:
    """Take a host off the list whose supervisor has been silent for a minute or more."""
    hosts.forget(host=_host(name), by=audit.actor(request))
    return Status(204, None)


def _host(name: str) -> SupervisorHost:
    return one(SupervisorHost.objects.filter(name=name), _("There is no host “%(name)s”.") % {"name": name})


def _host_out(name: str) -> dict[str, Any]:
    return next(host_out(state) for state in hosts.states() if state.row.name == name)
