"""Who seems to have changed something: entries of the audit log near in time that name it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mqadmin.core.models import AuditEntry
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.differing import Difference
from mqadmin.definitions.comparing.kinds import Key

SLACK = timedelta(seconds=5)  # an act ends a moment after the broker has changed
FIRST_LOOK_BACK = timedelta(minutes=10)
MOST = 500
_QUIET = ("sign-in", "login", "logout", "token", "peek", "purge", "publish", "definitions.export")


@dataclass(frozen=True)
class Deed:
    """An act that may have made a difference. It names the very object."""

    actor: str
    action: str
    at: datetime
    entry: int


def deeds(broker: str, since: datetime | None, until: datetime) -> list[AuditEntry]:
    """Return the acts on a broker that may have changed definitions between two looks, the last first."""
    begin = (since or until - FIRST_LOOK_BACK) - SLACK
    rows = AuditEntry.objects.filter(broker=broker, at__gte=begin, at__lte=until + SLACK)
    rows = rows.exclude(outcome=AuditEntry.Outcome.REFUSED)
    return [row for row in rows.order_by("-id")[:MOST] if not is_quiet(row.action)]


def is_quiet(action: str) -> bool:
    """Whether an act changes no definitions."""
    return any(word in action for word in _QUIET)


def of(key: Key, entries: Sequence[AuditEntry]) -> Deed | None:
    """Return the act that made a difference: the last that names the object, None where none does."""
    for entry in entries:
        if _names(entry, key):
            return Deed(entry.actor, entry.action, entry.at, entry.pk)
    return None


def names(
    broker: str, since: datetime | None, until: datetime, changes: Iterable[Difference]
) -> list[dict[str, Any]]:
    """Return who made any of the differences, each once: [{"actor", "action"}]."""
    entries = deeds(broker, since, until)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    if entries:
        for change in changes:
            deed = of(change.key, entries)
            if deed is not None:
                found.setdefault((deed.actor, deed.action), {"actor": deed.actor, "action": deed.action})
            if len(found) >= 10:
                break
    return list(found.values())


def _names(entry: AuditEntry, key: Key) -> bool:
    """Whether an act names an object: in its target, or in the list of objects that it touched."""
    touched = (entry.detail or {}).get("objects")
    if isinstance(touched, list):
        return key.id in touched
    target = entry.target
    if not target:
        return False
    if key.kind == kinds.BINDING:
        source, _kind, destination, *_rest = key.parts
        told = (entry.detail or {}).get("destination")
        named = _words(target, key.vhost)
        return destination in named or (source in named and told in (None, destination))
    if key.kind in (kinds.PERMISSION, kinds.TOPIC_PERMISSION):
        return key.parts[0] in target and key.vhost in target
    return key.parts[-1] in _words(target, key.vhost)


def _words(target: str, vhost: str) -> tuple[str, ...]:
    """What a target may be the name of: "orders", or "/:orders" with its virtual host before it."""
    own = target.removeprefix(f"{vhost}:") if vhost else target
    return (target, own, *own.split(" → "))
