"""What differs between two sets of objects: added, gone, changed with each value before and after; as lines too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from mqadmin.definitions.comparing import kinds, secret
from mqadmin.definitions.comparing.kinds import Body, Key, Snapshot

How = Literal["added", "gone", "changed"]
MOST_LINES = 4_000
_DEFAULTS: dict[str, Body] = {
    kinds.VHOST: {"description": "", "tags": [], "default_queue_type": "classic"},
    kinds.USER: {"limits": {}},
    kinds.EXCHANGE: {"internal": False, "auto_delete": False, "arguments": {}},
    kinds.QUEUE: {"auto_delete": False, "arguments": {}},
    kinds.BINDING: {"arguments": {}},
    kinds.POLICY: {"apply-to": "all", "priority": 0},
}


@dataclass(frozen=True)
class Change:
    """One value of an object, before and after; None: not there. `path` is where: ("arguments", "x-expires")."""

    path: tuple[str, ...]
    before: Any
    after: Any


@dataclass(frozen=True)
class Difference:
    """One object that is not the same: `before` is None where it was added, `after` where it is gone."""

    key: Key
    before: Body | None
    after: Body | None

    @property
    def how(self) -> How:
        return "added" if self.before is None else "gone" if self.after is None else "changed"

    @property
    def changes(self) -> list[Change]:
        """Each value that differs; [] but for a change."""
        if self.before is None or self.after is None:
            return []
        return list(_changes(canonical(self.key.kind, self.before), canonical(self.key.kind, self.after)))


def canonical(kind: str, body: Body) -> Body:
    """Return an object as versions of RabbitMQ tell it alike: with the defaults that an older one leaves out."""
    made = {**_DEFAULTS.get(kind, {}), **{name: value for name, value in body.items() if value is not None}}
    if kind == kinds.QUEUE:
        made["arguments"] = {"x-queue-type": "classic", **(made["arguments"] or {})}
    elif kind == kinds.VHOST and made["default_queue_type"] == "undefined":
        made["default_queue_type"] = "classic"
    elif kind == kinds.USER and isinstance(made.get("tags"), str):
        made["tags"] = [tag.strip() for tag in made["tags"].split(",") if tag.strip()]
    return made


def differences(one: Snapshot, other: Snapshot, *, vhost: str | None = None) -> list[Difference]:
    """Return what differs from `one` to `other`, in the order of `kinds.ORDER`; `vhost`: only what is of it.

    Both are masked; see `secret.agree` for what counts as the same where one does not tell its secrets.
    """
    found = [
        Difference(key, before, after)
        for key in one.keys() | other.keys()
        if (before := one.get(key)) != (after := other.get(key))
        and (vhost is None or key.vhost == vhost)
        and not same(key.kind, before, after)
    ]
    by_key = {item.key: item for item in found}
    return [by_key[key] for key in kinds.sorted_keys(by_key)]


def same(kind: str, one: Body | None, other: Body | None) -> bool:
    """Whether two objects of one key are the same to whoever uses the broker."""
    if one is None or other is None:
        return one is other
    return one == other or secret.agree(canonical(kind, one), canonical(kind, other))


def counted(found: Iterable[Difference]) -> dict[str, int]:
    """Return how many were added, are gone, are changed."""
    counts: Counter[str] = Counter(item.how for item in found)
    return {"added": counts["added"], "gone": counts["gone"], "changed": counts["changed"]}


def lines(found: Iterable[Difference], *, most: int = MOST_LINES) -> list[str]:
    """Return the differences as lines: `@@` before each object, then `-`, `+` and blank before its JSON."""
    told: list[str] = []
    for item in found:
        if len(told) > most:
            break
        told.append(
            f"@@ {item.key.kind} {json.dumps([item.key.vhost, *item.key.parts], ensure_ascii=False)} @@"
        )
        before, after = (_json(item.key.kind, body) for body in (item.before, item.after))
        told += _told(before, after)
    return [*told[:most], "…"] if len(told) > most else told


def _told(before: list[str], after: list[str]) -> Iterator[str]:
    """Yield the lines of both, those that are the same once. `difflib.ndiff` looks for lines that are alike, too:
    of a parameter of a thousand lines that takes minutes."""
    for how, begin, end, other_begin, other_end in SequenceMatcher(None, before, after).get_opcodes():
        if how == "equal":
            yield from (f" {line}" for line in before[begin:end])
        else:
            yield from (f"-{line}" for line in before[begin:end])
            yield from (f"+{line}" for line in after[other_begin:other_end])


def _json(kind: str, body: Body | None) -> list[str]:
    if body is None:
        return []
    return json.dumps(canonical(kind, body), ensure_ascii=False, indent=2, sort_keys=True).splitlines()


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changes(one, other, (*path, name))
        else:
            yield Change((*path, name), one, other)
