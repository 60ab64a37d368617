"""What people set on one queue, or on many: owner, note, thresholds, mute. The last word is here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.rows.among import among
from mqadmin.queues.health import thresholds as limits
from mqadmin.queues.models import Queue, Standing
from mqadmin.queues.standing import applying
from mqadmin.queues.standing.effective import MUTE, OWNER, PARTS, THRESHOLDS, Settings, holds

LONGEST_OWNER, LONGEST_NOTE = 150, 2_000
LONGEST_MUTE = timedelta(days=366)


class _Unset:
    """Nothing was said of it: it stays as it is."""


UNSET: Final = _Unset()


@dataclass(frozen=True)
class Wanted:
    """What is to be set; UNSET leaves it. `muted_until` None: not muted. `follow`: the PARTS that are to be as the
    standing rules say again."""

    owner: str | _Unset = UNSET
    note: str | _Unset = UNSET
    thresholds: Mapping[str, Any] | _Unset = UNSET
    muted_until: datetime | _Unset | None = UNSET
    follow: tuple[str, ...] = ()


def checked(wanted: Wanted, now: datetime) -> dict[str, Any]:
    """Return what is set, by its field. Raises Refusal (422) with a sentence for each field that cannot be so."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, check in (
        ("owner", _owner),
        ("note", _note),
        ("thresholds", _thresholds),
        ("muted_until", _mute),
    ):
        given = getattr(wanted, name)
        if given is UNSET:
            continue
        try:
            values[name] = check(given, now)
        except Refusal as error:
            faults |= error.fields or {name: error.text}
    unknown = [part for part in wanted.follow if part not in PARTS]
    if unknown:
        faults["follow"] = _("One of %(parts)s.") % {"parts": ", ".join(PARTS)}
    if faults:
        raise Refusal(" ".join(dict.fromkeys(faults.values())), "invalid", status=422, fields=faults)
    return values


def settle(*, queue: Queue, wanted: Wanted, by: Actor, seen: str | None = None) -> Queue:
    """Set it on `queue`; what then differs from the standing rules is its own, and stays whatever they say later.

    `seen`: the `stamp` that the person was shown. Raises Refusal: (422, "invalid") with a sentence by field; (409,
    "changed") where somebody set something meanwhile.
    """
    target = f"{queue.vhost}:{queue.name}"
    with audit.act(by=by, action="queue.settle", broker=queue.broker.slug, target=target) as entry:
        now = timezone.now()
        values = checked(wanted, now)
        entry.detail = _told(values, wanted.follow)
        was, note = applying.settings_of(queue), queue.note
        if seen is not None and seen != stamp(queue):
            raise _changed()
        rules = applying.rules_of(list(Standing.objects.all()), Queue.objects.filter(pk=queue.pk), now)
        settings = settled(
            was, values, wanted.follow, by.name, holds(Settings(), rules.get(queue.pk, ()), now)
        )
        unchanged = Queue.objects.filter(pk=queue.pk, note=note, **applying.stored(was))
        if not unchanged.update(note=values.get("note", note), **applying.stored(settings)):
            raise _changed()
        queue.refresh_from_db()
        return queue


def settle_all(*, ids: Sequence[int], wanted: Wanted, by: Actor) -> tuple[int, dict[str, Any]]:
    """Set it on many queues in a few statements; return how many changed, and what is told of it. Raises Refusal
    (422). Whoever sets something on one of them meanwhile wins."""
    now = timezone.now()
    values = checked(wanted, now)
    rows = Queue.objects.filter(among(ids)).order_by()
    rules = applying.rules_of(list(Standing.objects.all()), rows, now)
    changes: list[tuple[int, Settings, Settings]] = []
    for row in rows.values("pk", *applying.COLUMNS).iterator(chunk_size=2_000):
        was = applying.settings_of(row)
        ruled = holds(Settings(), rules.get(row["pk"], ()), now)
        made = settled(was, values, wanted.follow, by.name, ruled)
        if made != was:
            changes.append((row["pk"], was, made))
    return applying.write(changes), _told(values, wanted.follow)


def settled(
    was: Settings, values: Mapping[str, Any], follow: tuple[str, ...], by: str, ruled: Settings
) -> Settings:
    """Return what holds after `values` were set over `was`, where the rules alone would make it `ruled`. Pure."""
    parts = {OWNER: "owner", THRESHOLDS: "thresholds", MUTE: "muted_until"}
    made: dict[str, Any] = {}
    own = set(was.own)
    for part, name in parts.items():
        if part in follow:
            value = ruled.part(part)
        elif name in values:
            value = values[name]
        else:
            continue
        made[name] = value
        is_ruled = value == ruled.part(part)
        own = own - {part} if is_ruled else own | {part}
        if part == MUTE:
            made["muted_by"] = ruled.muted_by if is_ruled else by if value else ""
    current = {name: getattr(was, name) for name in (*parts.values(), "muted_by")}
    return Settings(**{**current, **made}, own=tuple(part for part in PARTS if part in own))


def stamp(queue: Queue) -> str:
    """Return what changes whenever something is set on `queue`."""
    told = json.dumps([queue.note, applying.stored(applying.settings_of(queue))], default=str, sort_keys=True)
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _changed() -> Refusal:
    return Refusal(_("Somebody changed this queue's settings meanwhile. Look again, then decide."), "changed")


def _told(values: Mapping[str, Any], follow: tuple[str, ...]) -> dict[str, Any]:
    """Return it for the audit log, which everybody reads: of a note only that there is one."""
    told = {**values, **({"note": bool(values["note"])} if "note" in values else {})}
    if told.get("muted_until"):
        told["muted_until"] = told["muted_until"].isoformat(timespec="seconds")
    return {**told, **({"follow": list(follow)} if follow else {})}


def _owner(given: str, now: datetime) -> str:  # noqa: ARG001
    return _text(given, LONGEST_OWNER, _("An owner has at most %(n)d characters."))


def _note(given: str, now: datetime) -> str:  # noqa: ARG001
    return _text(given, LONGEST_NOTE, _("A note has at most %(n)d characters."))


def _text(given: str, longest: int, text: str) -> str:
    given = given.strip()
    if len(given) > longest:
        raise Refusal(text % {"n": longest}, "invalid", status=422)
    if "\0" in given:
        raise Refusal(_("A NUL character cannot be stored."), "invalid", status=422)
    return given


def _thresholds(given: Mapping[str, Any], now: datetime) -> dict[str, Any]:  # noqa: ARG001
    """Return those that differ from the default."""
    faults = {
        f"thresholds.{name}": why for name, value in given.items() if (why := limits.fault(name, value))
    }
    if faults:
        raise Refusal(" ".join(dict.fromkeys(faults.values())), "invalid", status=422, fields=faults)
    return {
        item.name: given[item.name]
        for item in limits.TABLE
        if given.get(item.name, item.default) != item.default
    }


def _mute(given: datetime | None, now: datetime) -> datetime | None:
    if given is None:
        return None
    if given <= now:
        raise Refusal(_("This moment is over: a mute ends in the future."), "invalid", status=422)
    if given > now + LONGEST_MUTE:
        raise Refusal(_("A mute ends within a year: nobody remembers it longer."), "invalid", status=422)
    return given
