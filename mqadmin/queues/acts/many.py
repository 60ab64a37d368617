"""One act on many queues: an operation that goes from queue to queue and tells which of them it could not do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, Foretold
from mqadmin.approvals.gate.size import Size
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import deleting, purging, settling
from mqadmin.queues.acts.settling import Wanted
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import RabbitError

KIND = "queues.many"
MOST = 1_000  # queues of one operation
MOST_SETTLED = 20_000

# An act on one queue: (queue, by, options). Raises Refusal or RabbitError where it cannot be.
One = Callable[[Queue, Actor, Mapping[str, Any]], None]
_acts: dict[str, One] = {}


def register(name: str) -> Callable[[One], One]:
    """Name an act that `start` can be asked for; a higher app does so when it starts."""

    def named(function: One) -> One:
        _acts[name] = function
        return function

    return named


@dataclass(frozen=True)
class Chosen:
    """Queues of one broker, as they were shown to a person; of several in what a dialog shows, never in an act."""

    broker: str
    ids: tuple[int, ...]
    names: tuple[str, ...] = field(default=(), compare=False)  # of the first

    @property
    def mark(self) -> str:
        """What is another as soon as one of the queues is."""
        return hashlib.blake2b(repr(sorted(self.ids)).encode(), digest_size=8).hexdigest()


def start(*, act: str, chosen: Chosen, by: Actor, seen: str | None = None, **options: Any) -> Operation:
    """Start `act` on the queues. Raises Refusal: (422) none or too many, (409, "changed") where they are not those
    that had the mark `seen`."""
    target = ", ".join(chosen.names)
    detail = {"queues": list(chosen.ids), **options}
    with audit.act(
        by=by,
        action=f"queues.{act}",
        broker=chosen.broker,
        target=target,
        count=len(chosen.ids),
        detail=detail,
    ) as entry:
        _check(chosen, seen, MOST)
        if act in _ASKED:
            gate.ask(_asked(act, chosen, options), by=by, entry=entry)
        return operations.start(
            kind=KIND,
            by=by,
            broker=chosen.broker,
            summary=_summary(act, len(chosen.ids)),
            params={"act": act, "ids": list(chosen.ids), "via": by.via, "options": options},
            total=len(chosen.ids),
        )


_ASKED = ("purge", "delete")  # acts that may need a second person
_NAMED = 20  # queues in what a second person reads


def size(act: str, ids: Sequence[int], *, even_full: bool = False) -> Size:
    """Return how much an act on queues touches, as the monitor counted last; each queue counts where it goes, and
    what it holds where that goes with it."""
    if act == "delete" and not even_full:
        return Size(0, len(ids))
    column = "ready" if act == "purge" else "total"
    held = Queue.objects.filter(pk__in=ids, gone_at=None).aggregate(n=Sum(column))["n"] or 0
    return Size(held, 0 if act == "purge" else len(ids))


def _asked(act: str, chosen: Chosen, options: Mapping[str, Any]) -> Asked:
    return Asked(
        f"queues.{act}",
        chosen.broker,
        _summary(act, len(chosen.ids)),
        {"broker": chosen.broker, "ids": list(chosen.ids), "options": dict(options)},
        size(act, chosen.ids, even_full=bool(options.get("even_full"))),
        foretell=lambda: _foretold(act, chosen, options),
    )


def _foretold(act: str, chosen: Chosen, options: Mapping[str, Any]) -> list[Foretold]:
    """Name the queues that hold most, and what becomes of that."""
    column = "ready" if act == "purge" else "total"
    rows = Queue.objects.filter(pk__in=chosen.ids, gone_at=None).order_by(f"-{column}", "vhost", "name")
    told = []
    for queue in rows[:_NAMED]:
        count = getattr(queue, column) or 0
        text = ngettext("%(queue)s holds %(n)s message.", "%(queue)s holds %(n)s messages.", count)
        told.append(text % {"queue": f"{queue.vhost}:{queue.name}", "n": number(count)})
    if len(chosen.ids) > _NAMED:
        told.append(_("… and %(n)s queues more.") % {"n": number(len(chosen.ids) - _NAMED)})
    is_kept = act == "purge" and options.get("snapshot")
    spared = act == "delete" and not options.get("even_full")
    found = [Foretold("tells" if is_kept or spared else "loses", text) for text in told]
    if is_kept:
        found.append(Foretold("tells", _("A copy of what is ready is kept for seven days.")))
    if spared:
        found.append(Foretold("tells", _("Those that hold messages when their turn comes are left alone.")))
    if act == "delete" and not options.get("even_used"):
        found.append(Foretold("tells", _("Those that are consumed from are left alone.")))
    return found


def _again(act: str) -> kinds.Perform:
    """Return what starts an act that waited for a second person."""

    def start_again(given: Mapping[str, Any], by: Actor) -> Operation:
        ids = tuple(given["ids"])
        names = Queue.objects.filter(pk__in=ids[:_NAMED]).order_by("vhost", "name")
        chosen = Chosen(str(given["broker"]), ids, tuple(names.values_list("name", flat=True)))
        return start(act=act, chosen=chosen, by=by, **given["options"])

    return start_again


kinds.register("queues.purge", needs="operate", counts_as="purge")(_again("purge"))
kinds.register("queues.delete", needs="configure", counts_as="delete")(_again("delete"))


def settle(*, chosen: Chosen, wanted: Wanted, by: Actor, seen: str | None = None) -> int:
    """Set owner or mute of all the queues at once; return how many were changed. Raises Refusal (422, 409)."""
    target = ", ".join(chosen.names)
    with audit.act(by=by, action="queues.settle", broker=chosen.broker, target=target) as entry:
        _check(chosen, seen, MOST_SETTLED)
        entry.count, entry.detail = settling.settle_all(ids=chosen.ids, wanted=wanted, by=by)
    return entry.count


def _check(chosen: Chosen, seen: str | None, most: int) -> None:
    if not chosen.ids:
        raise Refusal(_("Tick a queue first."), "invalid", status=422)
    if len(chosen.ids) > most:
        text = _("At most %(n)s queues at a time.") % {"n": number(most)}
        raise Refusal(text, "too_many", status=422)
    if seen is not None:
        check_seen(chosen, seen)


def check_seen(chosen: Chosen, seen: str) -> None:
    """Raise Refusal (409, "changed") where the queues are not those that had the mark `seen`."""
    if seen != chosen.mark:
        text = _("These are not the queues any more that were shown. Look again, then decide.")
        raise Refusal(text, "changed")


def _summary(act: str, count: int) -> str:
    texts = {
        "purge": ngettext("Purge %(n)s queue", "Purge %(n)s queues", count),
        "delete": ngettext("Delete %(n)s queue", "Delete %(n)s queues", count),
        "track": ngettext("Track %(n)s queue", "Track %(n)s queues", count),
    }
    return texts.get(act, act) % {"n": number(count)}


@operations.runner(KIND)
def run(run: Run) -> None:
    """Do it queue by queue. One during which a worker was lost is told of, and not done a second time."""
    act, options = _acts[run.params["act"]], run.params["options"]
    by = Actor(run.operation.created_by, run.params["via"])
    ids: Sequence[int] = run.params["ids"]
    at = int(run.cursor.get("at", 0))
    while at < len(ids):
        run.checkpoint()
        queue = Queue.objects.select_related("broker").filter(pk=ids[at]).first()
        fault = _("The worker was lost at this queue. It was not done a second time.")
        if not run.cursor.get("begun"):
            run.save_cursor({"at": at, "begun": True})
            fault = _done(run, act, queue, by, options, at)
        if fault:
            run.problem(str(queue or ids[at]), fault)
        at += 1
        run.save_cursor({"at": at, "begun": False})
        run.progress(done=int(not fault), failed=int(bool(fault)))


def _done(run: Run, act: One, queue: Queue | None, by: Actor, options: Mapping[str, Any], at: int) -> str:
    """Return why it could not be done, "" where it was. Raises RabbitError while the broker cannot be reached."""
    if queue is None or queue.gone_at is not None:
        return _("This queue is gone.")
    try:
        with gate.settled():  # it passed as a whole
            act(queue, by, options)
    except Refusal as refusal:
        return refusal.text
    except PermissionDenied as error:
        return str(error)
    except RabbitError as error:
        if error.kind == "connection":
            run.save_cursor({"at": at, "begun": False})
            raise
        return str(error)
    return ""


@register("purge")
def _purge(queue: Queue, by: Actor, options: Mapping[str, Any]) -> None:
    """With a snapshot each purge is an operation of its own: what it kept is put back from the queue's page."""
    if options.get("snapshot"):
        purging.purge(queue=queue, by=by, snapshot=True)
    else:
        purging.at_once(queue=queue, by=by)


@register("delete")
def _delete(queue: Queue, by: Actor, options: Mapping[str, Any]) -> None:
    deleting.delete(
        queue=queue,
        by=by,
        even_full=bool(options.get("even_full")),
        even_used=bool(options.get("even_used")),
    )
