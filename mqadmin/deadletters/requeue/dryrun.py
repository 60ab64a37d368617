"""What a requeue would do, said before anything moves: asked of the broker and of our own rows, nothing sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.models import Consumer, ConsumerProcess
from mqadmin.approvals.gate.gate import Foretold
from mqadmin.core.pages.formats import number
from mqadmin.core.rights import naming
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import destinations, leaving
from mqadmin.deadletters.requeue.destinations import Destination, To
from mqadmin.deadletters.requeue.leaving import LeftBehind
from mqadmin.deadletters.search.selection import Selection
from mqadmin.queues.acts import destination
from mqadmin.rabbit.types import QueueInfo

MOST_NAMED = 20  # letters that died before, by id


@dataclass(frozen=True)
class Listener:
    """One of our consumers on a queue: what it is told to be, and how many of its processes consume now."""

    name: str
    desired: str
    running: int


@dataclass(frozen=True)
class Outlook:
    """A queue that letters would reach: how many, who listens there, and in words what is wrong with that.

    `ready`, `total` and `consumers` are the broker's; None is unknown. `losses`: what of `warnings` is a loss,
    which somebody must have said may be.
    """

    vhost: str
    name: str
    arriving: int
    ready: int | None
    total: int | None
    consumers: int | None
    listeners: tuple[Listener, ...]
    warnings: tuple[str, ...]
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class DryRun:
    """`died_before`: how many died more than once, or came back after a requeue; some of them by id.

    `headers`: those that do not go with the copies, as `headers_read` of the letters have them.
    """

    total: int
    requeueable: int
    destinations: list[Destination]
    queues: list[Outlook]
    died_before: int
    came_back: int
    died_before_ids: list[int]
    headers: list[LeftBehind]
    headers_read: int

    @property
    def can_keep(self) -> bool:
        """Whether some of the headers would go with the copies if one wanted them to."""
        return any(item.can_stay for item in self.headers)

    @property
    def problems(self) -> list[str]:
        """Why letters would stay, each reason once."""
        return sorted({place.problem for place in self.destinations if place.problem})

    @property
    def losses(self) -> list[str]:
        """What would be lost: it is requeued only with `allow_loss`."""
        return [text for queue in self.queues for text in queue.losses]

    @property
    def warnings(self) -> list[str]:
        """What would happen that one may not think of, each once."""
        of_places = {place.warning for place in self.destinations if place.warning}
        found = sorted(of_places) + [text for queue in self.queues for text in queue.warnings]
        if self.died_before:
            found.append(
                ngettext(
                    "%(n)s of them has died before.", "%(n)s of them have died before.", self.died_before
                )
                % {"n": number(self.died_before)}
            )
        return found


def of(*, selection: Selection, to: To, keep_headers: bool = False) -> DryRun:
    """Return what a requeue of the parked letters of `selection` would do. Raises RabbitError, Refusal."""
    parked = selection.rows().filter(status=DeadLetter.Status.PARKED)
    found, infos = destinations.look(broker=selection.broker, rows=parked, to=to)
    again = ~Q(came_back_as="") | Q(death_count__gt=1)
    counts = parked.order_by().aggregate(
        total=Count("pk"),
        size=Sum("size"),
        before=Count("pk", filter=again),
        back=Count("pk", filter=~Q(came_back_as="")),
    )
    named = parked.filter(again).order_by("pk").values_list("pk", flat=True)
    left, read = leaving.of_many(parked, counts["total"], keep_headers=keep_headers)
    mean = (counts["size"] or 0) / max(counts["total"], 1)
    return DryRun(
        total=counts["total"],
        requeueable=sum(place.count for place in found if not place.problem),
        destinations=found,
        queues=outlooks(selection.broker, found, infos, mean),
        died_before=counts["before"],
        came_back=counts["back"],
        died_before_ids=list(named[:MOST_NAMED]) if counts["before"] else [],
        headers=left,
        headers_read=read,
    )


def foretold(selection: Selection, to: To, *, keep_headers: bool) -> list[Foretold]:
    """Return it in sentences, for a second person who is to agree to it. Raises as `of`."""
    plan = of(selection=selection, to=to, keep_headers=keep_headers)
    lost, kept = plan.losses, plan.problems
    found = [Foretold("loses", text) for text in lost]
    found += [Foretold("stops", text) for text in kept]
    found += [Foretold("unknown", text) for text in plan.warnings if text not in lost]
    for place in plan.destinations:
        text = ngettext("%(n)s letter goes to %(place)s.", "%(n)s letters go to %(place)s.", place.count)
        if not place.problem:
            found.append(Foretold("tells", text % {"n": number(place.count), "place": place.name}))
    return found


def outlooks(
    broker: str,
    found: Iterable[Destination],
    infos: Mapping[tuple[str, str], QueueInfo],
    mean_size: float,
) -> list[Outlook]:
    """Return the queues that would be reached, those with most letters first."""
    arriving: dict[tuple[str, str], int] = {}
    for place in found:
        for name in place.queues if not place.problem else ():
            arriving[place.vhost, name] = arriving.get((place.vhost, name), 0) + place.count
    ours = _listeners(broker, arriving)
    return [
        _outlook(broker, infos[key], count, ours.get(key, ()), mean_size)
        for key, count in sorted(arriving.items(), key=lambda item: -item[1])
    ]


def losses(
    broker: str, found: Iterable[Destination], infos: Mapping[tuple[str, str], QueueInfo], mean_size: float
) -> list[str]:
    """Return what would be lost in the queues that are reached, in words."""
    return [text for queue in outlooks(broker, found, infos, mean_size) for text in queue.losses]


def _outlook(
    broker: str, info: QueueInfo, count: int, ours: tuple[Listener, ...], mean_size: float
) -> Outlook:
    told = destination.judged(info, count, mean_size)
    if not naming.holds("view", broker, info.vhost, info.name):
        # Letters go back there; how it is with that queue is for others to know.
        lost = (*told.stops, *told.loses)
        return Outlook(info.vhost, info.name, count, None, None, None, (), lost, told.loses)
    warnings = (*_nobody(info, ours), *told.stops, *told.loses, *told.tells)
    return Outlook(
        info.vhost, info.name, count, info.ready, info.total, info.consumers, ours, warnings, told.loses
    )


def _nobody(info: QueueInfo, ours: tuple[Listener, ...]) -> Iterable[str]:
    names = {"queue": info.name}
    if info.consumers == 0:
        yield _("Nobody consumes from “%(queue)s”: they would wait there.") % names
    for item in ours:
        if item.desired != Consumer.Desired.RUNNING:
            state = str(Consumer.Desired(item.desired).label)
            yield _("Its consumer %(name)s is %(state)s.") % {"name": item.name, "state": state}
        elif not item.running:
            yield _("Its consumer %(name)s should run, but no process of it does.") % {"name": item.name}


def _listeners(
    broker: str, places: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], tuple[Listener, ...]]:
    """Return our consumers of these queues; collectors are none, they would only capture again."""
    running = Count(
        "processes", filter=Q(processes__ended_at=None, processes__state=ConsumerProcess.State.RUNNING)
    )
    rows = Consumer.objects.filter(broker=broker, queue__in={name for _vhost, name in places})
    found: dict[tuple[str, str], tuple[Listener, ...]] = {}
    for row in rows.filter(is_collector=False).annotate(running=running):
        key = row.vhost, row.queue
        found[key] = (*found.get(key, ()), Listener(row.name, row.desired, row.running))
    return found
