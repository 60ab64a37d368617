"""What a restore would do, object by object, before it does anything. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from mqadmin.definitions.comparing import differing, kinds, secret
from mqadmin.definitions.comparing.differing import Change, Difference
from mqadmin.definitions.comparing.kinds import Body, Key, Snapshot

Act = Literal["create", "change", "delete", "conflict", "blocked"]
# Deleting one of these loses messages, or locks somebody out: ticked one by one, and the broker's name typed.
DANGEROUS = (kinds.VHOST, kinds.QUEUE, kinds.USER)


@dataclass(frozen=True)
class Step:
    """What becomes of one object.

    `create` and `change` are done, and `delete` where it is ticked. A `conflict` is there with other arguments,
    no broker changes it in place. What is `blocked` cannot be done, `why` says: "own_user", "secret", "password",
    "reserved". `brings_password`: a user comes with the password that is told.
    `inside`: how many objects go with a virtual host. `messages`: what a queue to delete holds, None: not known.
    """

    act: Act
    key: Key
    current: Body | None
    wanted: Body | None
    why: str = ""
    inside: int = 0
    messages: int | None = None
    brings_password: bool = False

    @cached_property
    def id(self) -> str:
        """What stands for it in a form: another act on the same object, or another object, has another."""
        text = json.dumps([self.act, self.key, self.current, self.wanted], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()

    @property
    def is_dangerous(self) -> bool:
        return self.act == "delete" and self.key.kind in DANGEROUS

    @property
    def can_be_done(self) -> bool:
        return self.act in ("create", "change", "delete")

    @property
    def changes(self) -> list[Change]:
        return Difference(self.key, self.current, self.wanted).changes


@dataclass(frozen=True)
class Scope:
    """What of the definitions is meant: a virtual host, one object by its `Key.id`, or all."""

    vhost: str | None = None
    object_id: str = ""

    def holds(self, key: Key) -> bool:
        if self.vhost is not None and key.vhost != self.vhost:
            return False
        return not self.object_id or key.id == self.object_id


def plan(
    live: Snapshot,
    wanted: Snapshot,
    *,
    mask: secret.Mask,
    own_user: str,
    scope: Scope = Scope(),
    messages: Mapping[tuple[str, str], int | None] | None = None,
) -> list[Step]:
    """Return the steps from `live`, with its secrets, to `wanted`, masked or not, in the order in which they go.

    Steps hold masked objects only. `own_user` is who mqadmin signs in as: it is left alone.
    """
    now, then = secret.masked(live, mask), secret.masked(wanted, mask)
    found = [item for item in differing.differences(now, then) if scope.holds(item.key)]
    going = {item.key.vhost for item in found if item.key.kind == kinds.VHOST and item.after is None}
    leaving = {item.key.parts[0] for item in found if item.key.kind == kinds.USER and item.after is None}
    steps = []
    for item in found:
        if item.after is None and _goes_along(item.key, going, leaving):
            continue
        step = _step(item, live, wanted, mask, own_user)
        if step.act == "delete" and item.key.kind == kinds.VHOST:
            inside = sum(1 for key in now if key.vhost == item.key.vhost) - 1
            held = [count for (vhost, _name), count in (messages or {}).items() if vhost == item.key.vhost]
            total = None if messages is None or None in held else sum(count or 0 for count in held)
            step = Step("delete", item.key, item.before, None, step.why, inside, total)
        elif step.act == "delete" and item.key.kind == kinds.QUEUE and messages is not None:
            count = messages.get((item.key.vhost, item.key.parts[0]))
            step = Step("delete", item.key, item.before, None, step.why, 0, count)
        steps.append(step)
    making = [step for step in steps if step.act != "delete"]
    return making + [step for step in reversed(steps) if step.act == "delete"]


def _step(item: Difference, live: Snapshot, wanted: Snapshot, mask: secret.Mask, own_user: str) -> Step:
    key = item.key
    why = ""
    act: Act = "create" if item.before is None else "delete" if item.after is None else "change"
    if key.kind in (kinds.USER, kinds.PERMISSION, kinds.TOPIC_PERMISSION) and key.parts[0] == own_user:
        # What locks mqadmin out cannot be undone by mqadmin; what lets it in again can.
        why = "own_user" if key.kind == kinds.USER or act == "delete" else ""
    elif act == "change" and key.kind in kinds.NOT_IN_PLACE:
        return Step("conflict", key, item.before, item.after)
    elif act == "create" and key.kind in kinds.NOT_IN_PLACE and key.parts[0].startswith("amq."):
        why = "reserved"
    elif act != "delete":
        why = _lacks_secret(key, wanted[key], live.get(key), mask)
    brings = act != "delete" and key.kind == kinds.USER and secret.brings_password(wanted[key])
    if act == "change" and key.kind == kinds.USER and not brings and _only_password(item):
        why = why or "password"
    return Step("blocked" if why else act, key, item.before, item.after, why, brings_password=brings)


def _only_password(item: Difference) -> bool:
    return {change.path[0] for change in item.changes} <= {"password_hash", "hashing_algorithm"}


def _lacks_secret(key: Key, wanted: Body, live: Body | None, mask: secret.Mask) -> str:
    try:
        secret.filled(key, wanted, live, mask)
    except secret.Unknown:
        return "secret"
    return ""


def _goes_along(key: Key, vhosts: set[str], users: set[str]) -> bool:
    """Whether it goes with its virtual host or with its user, which are deleted anyway."""
    if (
        key.kind not in (kinds.VHOST, kinds.USER)
        and key.vhost in vhosts
        and key.kind not in kinds.WITHOUT_VHOST
    ):
        return True
    return key.kind in (kinds.PERMISSION, kinds.TOPIC_PERMISSION) and key.parts[0] in users
