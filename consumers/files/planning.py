"""What a file would do: for each consumer new, changed, the same, or refused and why. Nothing is done here."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext as _

from consumers.definitions import validation, versions
from consumers.definitions.definitions import FIELDS
from consumers.definitions.validation import OPTION
from consumers.files.entries import Entry, option_defaults
from consumers.handlers import registry
from consumers.models import Consumer
from mqadmin.core import hiding

Act = Literal["create", "change", "same", "refused"]


@dataclass(frozen=True)
class Change:
    """A setting that differs: what it is, and what the file says. Both without what may be secret.

    `field`: as in the file, "options.url" of a handler's own option. `hidden`: what differs is not shown.
    """

    field: str
    before: Any
    after: Any
    hidden: bool = False

    @property
    def words(self) -> str:
        if self.hidden:
            return _("%(field)s: another value, which may be a secret") % {"field": self.field}
        return f"{self.field}: {_said(self.before)} → {_said(self.after)}"


@dataclass(frozen=True)
class Step:
    """What would become of one consumer. `row`: as it is, None of a new one; `wanted`: as it would be."""

    name: str
    act: Act
    wanted: Consumer
    row: Consumer | None = None
    changes: Sequence[Change] = ()
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """`extra`: consumers that the file does not have; they stay. `mark`: what the plan is known by."""

    steps: Sequence[Step]
    extra: Sequence[str]

    @property
    def doing(self) -> list[Step]:
        return [step for step in self.steps if step.act in ("create", "change")]

    @property
    def refused(self) -> list[Step]:
        return [step for step in self.steps if step.act == "refused"]

    def count(self, act: Act) -> int:
        return sum(step.act == act for step in self.steps)

    @property
    def mark(self) -> str:
        parts = [
            (step.name, step.act, versions.seen(step.row) if step.row else "", _values(step.wanted))
            for step in self.doing
        ]
        return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def plan(entries: Sequence[Entry]) -> Plan:
    """Compare a file's consumers with those that are defined."""
    rows = {row.name: row for row in Consumer.objects.all()}
    names = {entry.name for entry in entries}
    steps = [_step(entry, rows.get(entry.name)) for entry in entries]
    extra = [name for name, row in rows.items() if name not in names and not row.is_collector]
    return Plan(steps, sorted(extra))


def differences(entry: Entry, row: Consumer) -> list[Change]:
    """Return what a file says otherwise of a consumer. Options that are not given are at their defaults in both."""
    found = [
        Change(name, getattr(row, name), entry.fields[name])
        for name in FIELDS
        if name != "options" and name not in entry.errors and getattr(row, name) != entry.fields[name]
    ]
    usual = option_defaults(row.handler), option_defaults(entry.fields["handler"])
    before = {**usual[0], **row.options}
    after = {**usual[1], **_kept(entry, row)}
    shown = registry.shown(row.handler, before), registry.shown(entry.fields["handler"], after)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            old, new = shown[0].get(name), shown[1].get(name)
            found.append(Change(f"{OPTION}{name}", old, new, hidden=old == new))
    return found


def _step(entry: Entry, row: Consumer | None) -> Step:
    if row is not None and row.is_collector:
        text = _("It captures a dead-letter queue: track or untrack that queue instead.")
        return Step(entry.name, "refused", row, row, errors={"": text})
    changes = differences(entry, row) if row is not None else []
    wanted = copy.copy(row) if row is not None else Consumer(name=entry.name)
    for name, value in entry.fields.items():
        setattr(wanted, name, value)
    wanted.options = _kept(entry, row) if row is not None else dict(entry.fields["options"])
    if row is not None and not changes and not entry.errors:
        return Step(entry.name, "same", row, row)
    errors = _errors(entry, wanted)
    act: Act = "refused" if errors else "create" if row is None else "change"
    return Step(entry.name, act, wanted, row, changes, errors)


def _errors(entry: Entry, wanted: Consumer) -> dict[str, str]:
    """What the one validation says of it, and what could not be read in the file."""
    found = validation.problems(copy.copy(wanted))
    try:
        types = registry.mistyped(registry.get(wanted.handler), wanted.options)
    except registry.HandlerError:
        types = {}
    found |= {f"{OPTION}{name}": text for name, text in types.items()}
    return {**found, **entry.errors}


def _kept(entry: Entry, row: Consumer) -> dict[str, Any]:
    """The options of a file, where each sign of a secret stands for what is there: for nothing else, elsewhere."""
    given = dict(entry.fields["options"])
    if entry.fields["handler"] != row.handler:
        return given
    shown = registry.shown(row.handler, row.options)
    for name, value in given.items():
        if isinstance(value, str) and hiding.SHOWN in value and shown.get(name) == value:
            given[name] = row.options[name]
    return given


def _values(consumer: Consumer) -> dict[str, Any]:
    return {name: getattr(consumer, name) for name in FIELDS}


def _said(value: Any) -> str:
    """A value as it stands in a file."""
    if value is None:
        return _("not set")
    return json.dumps(value, ensure_ascii=False)
