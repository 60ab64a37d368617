"""Who changed something: what mqadmin did itself, by its audit log and its restores; else what the broker told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.keeping import events
from mqadmin.definitions.models import RestoreStep
from mqadmin.rabbit.errors import ConfigurationError

SLACK = timedelta(seconds=5)  # an act ends a moment after the broker has changed
HEARD_SLACK = timedelta(seconds=0.5)  # events come with the time at which it was done
FIRST_LOOK_BACK = timedelta(minutes=10)
MOST = 500
MOST_NAMED = 10
RESTORES = "definitions.restore"  # the kind of the operations, and the act
_QUIET = ("sign-in", "login", "logout", "token", "peek", "purge", "publish", "definitions.export")
_RIGHTS = (kinds.PERMISSION, kinds.TOPIC_PERMISSION)


@dataclass(frozen=True)
class Deed:
    """An act that made a difference, or seems to. `is_told`: by the broker, of its own user `actor`; else by
    mqadmin's audit log, of a person."""

    actor: str
    action: str
    at: datetime
    is_told: bool = False


@dataclass
class Traces:
    """All that is known of who did what on a broker in a while."""

    entries: list[AuditEntry] = field(default_factory=list)
    restored: dict[tuple[str, bool], Deed] = field(default_factory=dict)  # by `Key.id`, and whether it went
    told: events.Told = field(default_factory=events.Told)
    own_user: str = ""  # of the broker: who mqadmin signs in as
    _touched: dict[str, AuditEntry] = field(default_factory=dict)
    _by_word: dict[str, list[int]] = field(default_factory=dict)
    _rights: list[AuditEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        found: dict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(self.entries):  # the last first
            touched = (entry.detail or {}).get("objects")
            if isinstance(touched, list):
                for number in touched:
                    self._touched.setdefault(str(number), entry)
                continue
            for word in _all_words(entry.target):
                found[word].append(place)
            self._rights.append(entry)
        self._by_word = dict(found)

    def of(self, key: Key, *, is_gone: bool = False) -> Deed | None:
        """Return the act that made a difference: the last that names the object, None where none does."""
        ours, told = self._ours(key, is_gone), self.told.of(key, is_gone=is_gone)
        if told is None or (ours is not None and (told.by == self.own_user or told.at <= ours.at + SLACK)):
            return ours
        return Deed(told.by, told.name, told.at, is_told=True)

    def _ours(self, key: Key, is_gone: bool) -> Deed | None:
        if restored := self.restored.get((key.id, is_gone)):
            return restored
        entry = self._touched.get(key.id) or next(
            (item for item in self._may_name(key) if _names(item, key)), None
        )
        return Deed(entry.actor, entry.action, entry.at) if entry is not None else None

    def _may_name(self, key: Key) -> list[AuditEntry]:
        if key.kind in _RIGHTS:
            return self._rights
        words = (key.parts[0], key.parts[2]) if key.kind == kinds.BINDING else (key.parts[-1],)
        found = {place for word in words for place in self._by_word.get(word, ())}
        return [self.entries[place] for place in sorted(found)]


def traces(broker: str, since: datetime | None, until: datetime) -> Traces:
    """Return what is known of who changed definitions between two looks."""
    begin = (since or until - FIRST_LOOK_BACK) - SLACK
    end = until + SLACK
    rows = AuditEntry.objects.filter(broker=broker, at__gte=begin, at__lte=end)
    rows = rows.exclude(outcome__in=(AuditEntry.Outcome.REFUSED, AuditEntry.Outcome.WAITING))
    found = [row for row in rows.order_by("-id")[:MOST] if not is_quiet(row.action)]
    entries = [row for row in found if not _has_steps(row)]
    told = events.between(broker, begin, until + HEARD_SLACK)
    return Traces(entries, _restored(broker, begin, until), told, _own_user(broker))


def _own_user(broker: str) -> str:
    try:
        return brokers.config(broker).auth()[0]
    except ConfigurationError:  # it was taken out of the configuration
        return ""


def _has_steps(entry: AuditEntry) -> bool:
    """Whether it began a restore whose steps say to the moment what was done."""
    number = (entry.detail or {}).get("operation") if entry.action == RESTORES else None
    return number is not None and RestoreStep.objects.filter(operation=number).exists()


def _restored(broker: str, begin: datetime, end: datetime) -> dict[tuple[str, bool], Deed]:
    """Return what restores did in a while: what was seen at its end was begun before."""
    ended = Q(finished_at__isnull=True) | Q(finished_at__gte=begin)
    names = dict(
        Operation.objects.filter(ended, kind=RESTORES, broker=broker, created_at__lte=end).values_list(
            "pk", "created_by"
        )
    )
    rows = RestoreStep.objects.filter(operation__in=names, at__gte=begin, at__lte=end)
    rows = rows.exclude(outcome=RestoreStep.Outcome.CHANGED).order_by("pk")
    found = rows.values_list("object", "act", "operation", "at")
    return {
        (number, act == "delete"): Deed(names[of], RESTORES, at)
        for number, act, of, at in found
        if at is not None
    }


def is_quiet(action: str) -> bool:
    """Whether an act changes no definitions."""
    return any(word in action for word in _QUIET)


def names(found: Traces, changes: Iterable[tuple[Key, bool]]) -> list[dict[str, Any]]:
    """Return who made any of the differences (key, whether it is gone), each once: [{"actor", "action"}], with
    "told" where it is a user of the broker, as it told."""
    seen: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for key, is_gone in changes:
        deed = found.of(key, is_gone=is_gone)
        if deed is not None:
            one = {"actor": deed.actor, "action": deed.action}
            seen.setdefault(
                (deed.actor, deed.action, deed.is_told), one | {"told": "1"} if deed.is_told else one
            )
        if len(seen) >= MOST_NAMED:
            break
    return list(seen.values())


def _names(entry: AuditEntry, key: Key) -> bool:
    """Whether the target of an act names an object."""
    target = entry.target
    if not target:
        return False
    if key.kind == kinds.BINDING:
        source, _kind, destination, *_rest = key.parts
        told = (entry.detail or {}).get("destination")
        named = _words(target, key.vhost)
        return destination in named or (source in named and told in (None, destination))
    if key.kind in _RIGHTS:
        return key.parts[0] in target and key.vhost in target
    return key.parts[-1] in _words(target, key.vhost)


def _words(target: str, vhost: str) -> tuple[str, ...]:
    """What a target may be the name of: "orders", or "/:orders" with its virtual host before it."""
    own = target.removeprefix(f"{vhost}:") if vhost else target
    return (target, own, *own.split(" → "))


def _all_words(target: str) -> set[str]:
    """All that `_words` says of a target, whatever its virtual host is called."""
    found = set()
    own: str | None = target
    while own is not None:
        found |= {own, *own.split(" → ")}
        _before, colon, rest = own.partition(":")
        own = rest if colon else None
    return found
