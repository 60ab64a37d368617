"""The hosts that run consumers, as their supervisors last reported: what they hold; drain one, forget one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions.definitions import LIVE, Conflict
from consumers.models import ConsumerProcess, SupervisorHost
from consumers.scaling.placement import Host, PlacementError, fits, parse
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.pages import formats
from mqadmin.core.rights import asking

FRESH = timedelta(seconds=10)  # a supervisor that has been silent for longer does not count as there

GONE = timedelta(
    minutes=1
)  # silent for so long, with its leases over: others have what it held, if anybody has


@dataclass(frozen=True)
class Fleet:
    """The supervisors that reported lately. `held`: replicas of each, running or waiting to start again."""

    hosts: tuple[Host, ...] = ()
    held: Mapping[str, int] = field(default_factory=dict)

    def is_full(self, host: Host) -> bool:
        return bool(host.capacity) and self.held.get(host.name, 0) >= host.capacity


def fleet(now: datetime | None = None) -> Fleet:
    """Return what can be counted on now; two queries."""
    rows = SupervisorHost.objects.filter(heartbeat_at__gt=(now or timezone.now()) - FRESH).order_by("name")
    found = tuple(Host(row.name, row.labels, row.capacity, row.drained) for row in rows)
    with asking.asks(None):  # a host is full by the processes of all
        counted = _counts(ConsumerProcess.objects.filter(ended_at=None))
    return Fleet(found, counted)


def _counts(rows: QuerySet[ConsumerProcess]) -> Counter[str]:
    counted = rows.exclude(supervisor="").order_by().values_list("supervisor").annotate(n=Count("id"))
    return Counter(dict(counted))


def no_host_words(placement: str, known: Fleet) -> str:
    """Say why no host may start a process with this placement; "" when one may, or when there is none at all.

    "No host may run it: it asks for gpu, and host-b is drained."
    """
    try:
        wanted = parse(placement)
    except PlacementError:
        return _("No host may run it: what it asks of a host, “%(text)s”, cannot be read.") % {
            "text": placement
        }
    fitting = [host for host in known.hosts if fits(_open(host), wanted)]
    if not known.hosts or any(not host.drained and not known.is_full(host) for host in fitting):
        return ""
    if not fitting:
        return _("No host may run it: it asks for %(labels)s, and no host has that.") % {"labels": placement}
    why = ", ".join(_why_not(host, known) for host in fitting)
    if not wanted:
        return _("No host may run it: %(why)s.") % {"why": why}
    return _("No host may run it: it asks for %(labels)s, and %(why)s.") % {"labels": placement, "why": why}


def _open(host: Host) -> Host:
    return Host(host.name, host.labels, host.capacity)


def _why_not(host: Host, known: Fleet) -> str:
    if host.drained:
        return _("%(host)s is drained") % {"host": host.name}
    values = {"host": host.name, "n": known.held.get(host.name, 0), "most": host.capacity}
    return _("%(host)s is full (%(n)d of %(most)d)") % values


# --- for the page and the API ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class HostState:
    """One host. `running`: live processes that its supervisor started; `held`: with those that wait to start.

    `is_gone`: silent for so long that it may be forgotten.
    """

    row: SupervisorHost
    running: int
    held: int
    is_silent: bool
    is_gone: bool = False

    @property
    def labels(self) -> str:
        """Its labels as they are asked for: "gpu, zone=a"."""
        pairs = sorted(self.row.labels.items())
        return ", ".join(f"{name}={value}" if value else name for name, value in pairs)

    @property
    def is_full(self) -> bool:
        return bool(self.row.capacity) and self.held >= self.row.capacity

    @property
    def words(self) -> str:
        """Say what it does, or why it does not."""
        if self.is_silent:
            silent = formats.ago(self.row.heartbeat_at)
            return _("Silent for %(time)s: stopped, or cut off from the database.") % {"time": silent}
        if self.row.drained:
            return _("Drained: nothing new is started here. %(running)s") % {"running": self._go_on()}
        if self.is_full:
            return _("Full: nothing more is started here.")
        return ""

    @property
    def drain_question(self) -> str:
        """State what a drain means here, in numbers."""
        if not self.running:
            return _(
                "Drain %(name)s? No process runs there; nothing is started there until you take it back."
            ) % {"name": self.row.name}
        return _("Drain %(name)s? %(running)s Nothing new is started there until you take it back.") % {
            "name": self.row.name,
            "running": self._go_on(),
        }

    @property
    def forget_question(self) -> str:
        """State what forgetting this host means."""
        values = {"name": self.row.name, "time": formats.ago(self.row.heartbeat_at)}
        if self.row.drained:
            return (
                _(
                    "Forget %(name)s, silent for %(time)s? If its supervisor starts again the host is back, and no "
                    "longer drained."
                )
                % values
            )
        return (
            _("Forget %(name)s, silent for %(time)s? If its supervisor starts again, the host is back.")
            % values
        )

    def _go_on(self) -> str:
        if not self.running:
            return _("No process runs there.")
        text = ngettext("%(n)s process goes on.", "%(n)s processes go on.", self.running)
        return text % {"n": formats.number(self.running)}


def states(now: datetime | None = None) -> list[HostState]:
    """Return every host that is known, by name; three queries."""
    moment = now or timezone.now()
    open_rows = ConsumerProcess.objects.filter(ended_at=None)
    held, running = _counts(open_rows), _counts(open_rows.filter(state__in=LIVE))
    return [
        HostState(
            row,
            running[row.name],
            held[row.name],
            is_silent=moment - row.heartbeat_at > FRESH,
            is_gone=moment - row.heartbeat_at > GONE,
        )
        for row in SupervisorHost.objects.order_by("name")
    ]


def is_single_host_database() -> bool:
    """Whether the database is SQLite, which serves the supervisor of one host."""
    return connection.vendor == "sqlite"


def drain(*, host: SupervisorHost, by: Actor) -> None:
    """Have nothing new started on the host; what runs there goes on. Raises Conflict when it is drained."""
    _set(host, by, "drain", _("It is drained already."), drained=True)


def undrain(*, host: SupervisorHost, by: Actor) -> None:
    """Let processes be started on the host again. Raises Conflict unless it is drained."""
    _set(host, by, "undrain", _("It is not drained."), drained=False)


def forget(*, host: SupervisorHost, by: Actor) -> None:
    """Take a host that is gone off the list. Rows of its processes stay: they are history, or others' by now.

    Raises Conflict unless its supervisor has been silent for GONE.
    """
    with audit.act(by=by, action="host.forget", target=host.name) as entry:
        entry.detail = {"heartbeat_at": host.heartbeat_at.isoformat(), "drained": host.drained}
        gone = SupervisorHost.objects.filter(pk=host.pk, heartbeat_at__lt=timezone.now() - GONE)
        if not gone.delete()[0]:
            raise Conflict(
                _("Its supervisor reported less than a minute ago: stop that first."), "wrong_state"
            )


def _set(host: SupervisorHost, by: Actor, action: str, refusal: str, *, drained: bool) -> None:
    with audit.act(by=by, action=f"host.{action}", target=host.name) as entry:
        running = _counts(ConsumerProcess.objects.filter(ended_at=None, state__in=LIVE, supervisor=host.name))
        entry.detail = {"running": running[host.name]}
        rows = SupervisorHost.objects.filter(pk=host.pk, drained=not drained)
        if not rows.update(drained=drained):
            raise Conflict(refusal, "wrong_state")
    host.drained = drained
