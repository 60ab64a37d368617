"""Which letters an act is about: some by id, or all that match a filter, frozen at the moment of the click."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import searching, tally
from mqadmin.deadletters.search.searching import Found

MOST_IDS = 10_000


@dataclasses.dataclass(frozen=True)
class Filter:
    """What a letter must have; "", 0 and None do not matter. `q` is looked for in body, error and names.

    `operation`: the last one that claimed or decided it.
    """

    broker: str
    vhost: str = ""
    queue: str = ""
    source: str = ""
    reason: str = ""
    group: str = ""
    status: str = ""
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None
    operation: int = 0

    def rows(self) -> QuerySet[DeadLetter]:
        """Return the letters that match now, newest first."""
        return self.found().rows

    def found(self) -> Found:
        """Return them, and what the search knows of them."""
        equal = {
            "broker": self.broker or _only_broker(),  # all indexes begin with it
            "vhost": self.vhost,
            "dead_letter_queue": self.queue,
            "source_queue": self.source,
            "reason": self.reason,
            "group": self.group,
            "status": self.status,
            "operation_id": self.operation,
        }
        rows = DeadLetter.objects.filter(**{name: value for name, value in equal.items() if value})
        if self.since is not None:
            rows = rows.filter(captured_at__gte=self.since)
        if self.until is not None:
            rows = rows.filter(captured_at__lt=self.until)
        return searching.found(rows, self.q)

    @property
    def columns(self) -> dict[str, str] | None:
        """The columns it asks for, where it asks for nothing that `tally` does not count; else None."""
        if self.since or self.until or self.operation:
            return None
        asked = searching.columns(self.q)
        known = {
            "broker": self.broker,
            "vhost": self.vhost,
            "dead_letter_queue": self.queue,
            "source_queue": self.source,
            "reason": self.reason,
            "group": self.group,
            "status": self.status,
        }
        if asked is None or any(known[name] not in ("", value) for name, value in asked.items()):
            return None
        return {**known, **asked}

    def to_json(self) -> dict[str, Any]:
        """Return what is set, for an operation's parameters, the audit log and addresses."""
        values = dataclasses.asdict(self)
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in values.items()
            if value
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Filter:
        """Undo `to_json`."""
        moments = {name: parse_datetime(value[name]) for name in ("since", "until") if value.get(name)}
        return cls(**{**value, **moments})


@dataclasses.dataclass(frozen=True)
class Selection:
    """Letters of one broker: `ids`, or those that match `filter` and were there when `up_to` was the newest.

    `reveals`: who made it may search masked fields, so that a worker finds the same letters.
    """

    broker: str
    ids: tuple[int, ...] = ()
    filter: Filter | None = None
    up_to: int = 0
    reveals: bool = False

    def rows(self) -> QuerySet[DeadLetter]:
        """Return the letters as they are now, whatever their status."""
        if self.filter is None:
            return DeadLetter.objects.filter(broker=self.broker, pk__in=self.ids)
        with masking.revealing(self.reveals):
            return self.filter.rows().filter(pk__lte=self.up_to)

    def to_json(self) -> dict[str, Any]:
        """Return it for an operation's parameters."""
        if self.filter is None:
            return {"broker": self.broker, "ids": list(self.ids)}
        known = {"broker": self.broker, "filter": self.filter.to_json(), "up_to": self.up_to}
        return known | ({"reveals": True} if self.reveals else {})

    def for_audit(self) -> dict[str, Any]:
        """Return it for the audit log: what was searched for may be masked."""
        if self.filter is None:
            return self.to_json()
        filter = dataclasses.replace(self.filter, q=searching.without_masked(self.filter.q))
        return dataclasses.replace(self, filter=filter).to_json()

    def described(self) -> str:
        """Return it in words, for the audit log."""
        if self.filter is None:
            return "letters " + ", ".join(map(str, self.ids[:50]))
        parts = (f"{name}={value}" for name, value in self.for_audit()["filter"].items() if name != "broker")
        return f"letters that match {', '.join(parts) or 'everything'}"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Selection:
        """Undo `to_json`."""
        if "filter" not in value:
            return cls(value["broker"], ids=tuple(value["ids"]))
        return cls(
            value["broker"],
            filter=Filter.from_json(value["filter"]),
            up_to=value["up_to"],
            reveals=value.get("reveals", False),
        )


def some(broker: str, ids: Sequence[int]) -> Selection:
    """Return the letters with these ids. Raises Refusal (422) for none, or for too many."""
    if not ids:
        raise Refusal(_("No letter is selected."), "nothing_selected", status=422)
    if len(ids) > MOST_IDS:
        raise Refusal(
            _("At most %(n)d letters by id; use a filter.") % {"n": MOST_IDS}, "too_many", status=422
        )
    return Selection(broker, ids=tuple(sorted(set(ids))))


def all_that_match(filter: Filter, up_to: int | None = None) -> Selection:
    """Return the letters that match `filter` now, or did when `up_to` was the newest letter."""
    if up_to is None:
        up_to = DeadLetter.newest_id()
    q, ids = searching.freeze(dataclasses.replace(filter, q="").rows().filter(pk__lte=up_to), filter.q)
    if ids is not None:
        return some(filter.broker, ids)
    reveals = bool(q.strip()) and masking.may_search()
    return Selection(filter.broker, filter=dataclasses.replace(filter, q=q), up_to=up_to, reveals=reveals)


def _only_broker() -> str:
    """Return the broker that all letters are of, "" where they are of several, or of none."""
    known = list(tally.by("broker", {}))
    return known[0] if len(known) == 1 else ""


def count(selection: Selection, status: str, expect: int | None = None) -> int:
    """Return how many of the letters have `status`.

    Raises Refusal: none has, or there are not `expect` of them (any more), with the number there is now.
    """
    found = selection.rows().filter(status=status).count()
    if expect is not None:
        check(found, expect)
    if not found:
        label = str(DeadLetter.Status(status).label)
        raise Refusal(_("None of these letters is %(status)s.") % {"status": label}, "nothing_to_do")
    return found


def check(found: int, expect: int) -> None:
    """Raise Refusal (409, "count_changed") unless `found` letters are as many as were expected."""
    if found != expect:
        raise Refusal(
            ngettext(
                "It would be %(found)d letter now, not %(expected)d. Look again, then decide.",
                "It would be %(found)d letters now, not %(expected)d. Look again, then decide.",
                found,
            )
            % {"found": found, "expected": expect},
            "count_changed",
        )
