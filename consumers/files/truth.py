"""The file that says what consumers there are, where MQADMIN_CONSUMERS_FILE names one; and what differs from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.utils.translation import gettext as _

from consumers.files import document, entries, planning
from consumers.files.document import Kind
from consumers.files.entries import Entry
from consumers.files.planning import Change
from consumers.models import Consumer
from mqadmin.core import permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.rights import asking

State = Literal["same", "differs", "extra", "unreadable"]


@dataclass(frozen=True)
class Truth:
    """The file as it is now. `name`: without its folder; `problem`: why it cannot be read; then it is empty."""

    name: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Drift:
    """What differs between the file and the consumers that are defined, by name. `lacking`: in the file alone;
    `extra`: not in it; `wrong`: in it, with what cannot be read."""

    file: str
    problem: str = ""
    changed: Mapping[str, Sequence[Change]] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    extra: Sequence[str] = ()
    wrong: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_any(self) -> bool:
        return bool(self.problem or self.changed or self.lacking or self.extra or self.wrong)


@dataclass(frozen=True)
class One:
    """How one consumer stands to the file."""

    file: str
    state: State
    changes: Sequence[Change] = ()
    problem: str = ""


_Stamp = tuple[str, int, int]
_last: tuple[_Stamp, Truth] | None = None


def kind_of(path: str | Path) -> Kind:
    """Return what a file is written in, by its name: TOML where that ends so, else YAML."""
    return "toml" if str(path).endswith(".toml") else "yaml"


def read() -> Truth | None:
    """Return the configured file, None where there is none. It is read anew when it was written. Never raises."""
    global _last
    path = Path(settings.MQADMIN_CONSUMERS_FILE) if settings.MQADMIN_CONSUMERS_FILE else None
    if path is None:
        return None
    try:
        stat = path.stat()
        stamp = (str(path), stat.st_mtime_ns, stat.st_size)
        last = _last
        if last is not None and last[0] == stamp:
            return last[1]
        with path.open("rb") as file:
            told = document.parsed(file.read(document.LARGEST + 1), kind_of(path))
        with asking.asks(None):  # it is kept for all
            found = entries.read(told)
    except OSError as error:
        return Truth(path.name, problem=_("It cannot be read: %(why)s.") % {"why": error.strerror or "?"})
    except Refusal as error:
        return Truth(path.name, problem=error.text)
    truth = Truth(path.name, {entry.name: entry for entry in found})
    _last = (stamp, truth)
    return truth


def theirs(truth: Truth | None) -> Truth | None:
    """Return the file with what is of queues that who asks may see, for what they are about to do."""
    if truth is None or asking.limited() is None:
        return truth
    return replace(truth, entries={name: entry for name, entry in truth.entries.items() if _allows(entry)})


def _allows(entry: Entry) -> bool:
    broker, vhost, queue = (str(entry.fields[name]) for name in ("broker", "vhost", "queue"))
    return permissions.allows(broker, vhost, queue)


def drift(consumers: Sequence[Consumer] | None = None) -> Drift | None:
    """Return what differs from the file, None where there is no file. Collectors are nobody's to define.

    Of what the file says, who asks is told what is of queues that they may see.
    """
    truth = theirs(read())
    if truth is None:
        return None
    if truth.problem:
        return Drift(truth.name, truth.problem)
    rows = list(Consumer.objects.all()) if consumers is None else consumers
    own = {row.name: row for row in rows if not row.is_collector}
    changes = {
        name: planning.differences(truth.entries[name], row)
        for name, row in own.items()
        if name in truth.entries
    }
    return Drift(
        truth.name,
        changed={name: found for name, found in changes.items() if found},
        lacking=sorted(set(truth.entries) - set(own)),
        extra=sorted(set(own) - set(truth.entries)),
        wrong={name: entry.errors for name, entry in truth.entries.items() if entry.errors},
    )


def of(consumer: Consumer) -> One | None:
    """Return how a consumer stands to the file, None where there is no file, or it is a collector."""
    truth = read()
    if truth is None or consumer.is_collector:
        return None
    if truth.problem:
        return One(truth.name, "unreadable", problem=truth.problem)
    entry = truth.entries.get(consumer.name)
    if entry is None:
        return One(truth.name, "extra")
    changes = planning.differences(entry, consumer)
    return One(truth.name, "differs" if changes else "same", changes)
