"""Standing rules: made, changed and deleted; what they say holds at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.queues.acts.settling import UNSET, Wanted, checked
from mqadmin.queues.models import Queue, Standing
from mqadmin.queues.search import fields, language
from mqadmin.queues.search.language import BadQuery
from mqadmin.queues.standing import applying

Direction = Literal["up", "down"]
MOST = 200  # rules: each is a search over all queues


@dataclass(frozen=True)
class Said:
    """What a rule says. "" or None: nothing of it."""

    name: str
    query: str
    owner: str = ""
    thresholds: Mapping[str, Any] | None = None
    muted_until: datetime | None = None


def create(*, said: Said, by: Actor) -> tuple[Standing, int]:
    """Make a rule; return it and how many queues are as it says because of it. Raises Refusal (422, 409)."""
    with audit.act(by=by, action="queues.rule", target=said.name[:80]) as entry:
        values = _checked(said)
        if Standing.objects.count() >= MOST:
            raise Refusal(_("There are %(n)d rules already; delete one first.") % {"n": MOST}, "too_many")
        entry.detail = _told(values)
        standing = Standing(by=by.name, rank=_highest() + 1, **values)
        _save(standing)
        entry.count = applying.apply(Queue.objects.all())
    return standing, entry.count


def change(*, standing: Standing, said: Said, by: Actor) -> int:
    """Have a rule say something else; return how many queues changed by it. Raises Refusal (422, 409)."""
    with audit.act(by=by, action="queues.change_rule", target=standing.name) as entry:
        values = _checked(said)
        entry.detail = _told(values)
        for name, value in {**values, "by": by.name}.items():
            setattr(standing, name, value)
        _save(standing)
        entry.count = applying.apply(Queue.objects.all())
    return entry.count


def delete(*, standing: Standing, by: Actor) -> int:
    """Delete a rule: what it said holds no more. Return how many queues changed. Raises Refusal (409)."""
    with audit.act(by=by, action="queues.delete_rule", target=standing.name) as entry:
        if not Standing.objects.filter(pk=standing.pk).delete()[0]:
            raise Refusal(_("Somebody deleted this rule already."), "gone")
        entry.count = applying.apply(Queue.objects.all())
    return entry.count


def move(*, standing: Standing, to: Direction, by: Actor) -> int:
    """Have a rule decide before the one above it, or after the one below it; return how many queues changed by it.

    Raises Refusal (409) where there is none, or somebody else moved one of them meanwhile.
    """
    with audit.act(by=by, action="queues.move_rule", target=standing.name, detail={"to": to}) as entry:
        with transaction.atomic():
            _swap(standing, to)
        standing.refresh_from_db()
        entry.count = applying.apply(Queue.objects.all())
    return entry.count


def _swap(standing: Standing, to: Direction) -> None:
    order = list(Standing.objects.select_for_update())
    places = [rule.pk for rule in order]
    if standing.pk not in places:
        raise Refusal(_("Somebody deleted this rule already."), "gone")
    place = places.index(standing.pk)
    other = place - 1 if to == "up" else place + 1
    if not 0 <= other < len(order):
        text = _("It decides first already.") if to == "up" else _("It decides last already.")
        raise Refusal(text, "at_the_end")
    order[place], order[other] = order[other], order[place]
    for rank, rule in enumerate(reversed(order), start=1):
        if rule.rank != rank:
            Standing.objects.filter(pk=rule.pk).update(rank=rank)


def _highest() -> int:
    return Standing.objects.aggregate(rank=Max("rank"))["rank"] or 0


def _save(standing: Standing) -> None:
    try:
        with transaction.atomic():
            standing.save()
    except IntegrityError:
        text = _("There is a rule of this name already.")
        raise Refusal(text, "taken", fields={"name": text}) from None


def _checked(said: Said) -> dict[str, Any]:
    faults: dict[str, str] = {}
    name = said.name.strip()
    if not name or len(name) > 80 or "\0" in name:
        faults["name"] = _("Give the rule a name of at most 80 characters.")
    if why := _query_fault(said.query):
        faults["query"] = why
    values: dict[str, Any] = {"owner": "", "thresholds": None, "muted_until": None}
    wanted = Wanted(
        owner=said.owner,
        thresholds=UNSET if said.thresholds is None else said.thresholds,
        muted_until=said.muted_until,
    )
    try:
        values |= checked(wanted, timezone.now())
    except Refusal as error:
        faults |= error.fields
    if not faults and not (values["owner"] or values["thresholds"] is not None or values["muted_until"]):
        faults["owner"] = _("Say something: an owner, thresholds, or until when they are muted.")
    if faults:
        raise Refusal(" ".join(dict.fromkeys(faults.values())), "invalid", status=422, fields=faults)
    return {"name": name, "query": said.query.strip(), **values}


def _query_fault(query: str) -> str:
    if not query.strip():
        return _("Say which queues: name:orders*, vhost:prod. All of them are name:*.")
    if len(query) > 2_000 or "\0" in query:
        return _("A search has at most %(n)d characters.") % {"n": 2_000}
    try:
        search = language.read(query)
    except BadQuery as error:
        return error.message
    if not search.is_steady():
        return _("A rule chooses queues by what stays as it is: %(fields)s, and is:%(flags)s.") % {
            "fields": ", ".join(sorted(fields.STEADY - {"is"})),
            "flags": ", is:".join(sorted(fields.STEADY_FLAGS)),
        }
    return ""


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    until = values["muted_until"]
    told = {**values, "muted_until": until.isoformat(timespec="seconds") if until else None}
    return {name: value for name, value in told.items() if name != "name" and value}
