"""Which queues a dialog is about: the ticked ones, or all that match the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, Sum
from django.http import QueryDict
from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.core.rows.among import among
from mqadmin.queues.acts.many import MOST_SETTLED, Chosen
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import listing
from mqadmin.queues.pages.listing import QueueSearch
from mqadmin.queues.search.language import BadQuery
from mqadmin.rabbit.numbers import whole

NAMED = 8  # names that are shown
FIELDS = ("q", "vhost", "type", "show")  # of an address: which queues


def parted(data: QueryDict, scope: str) -> list[Chosen]:
    """Return the queues of each broker of a scope: an act is one for each. Raises Refusal as `chosen` does."""
    found = [chosen(data, slug) for slug in brokers.within(scope)]
    return [queues for queues in found if queues.ids] or found[:1]


def together(parts: Sequence[Chosen]) -> Chosen:
    """Return the queues of several brokers as a person was shown them."""
    ids = tuple(pk for part in parts for pk in part.ids)
    names = tuple(name for part in parts for name in part.names)
    return Chosen(parts[0].broker if len(parts) == 1 else brokers.EVERY, ids, names[:NAMED])


def chosen(data: QueryDict, broker: str) -> Chosen:
    """Return the queues of one broker: ticked `ids`, or with `all` those that match. Raises Refusal (422) where the
    search cannot be read: without it, it would be about more queues than were meant."""
    if data.get("all"):
        query = QueueSearch.read(broker, {name: str(data.get(name, "")) for name in FIELDS})
        if data.get("show", "") != query.show:
            raise Refusal(_("The filter cannot be read. Look at the list again."), "invalid", status=422)
        try:
            rows = listing.shown(query, listing.matching(query))
        except BadQuery as error:
            raise Refusal(error.message, "bad_query", status=422) from error
    else:
        ids = [number for value in data.getlist("ids") if (number := whole(value)) is not None]
        rows = listing.present(broker).filter(among(ids))
    return of(broker, rows.order_by("vhost", "name").values_list("pk", "name")[: MOST_SETTLED + 1])


def of(broker: str, rows: object) -> Chosen:
    """Return the queues of (id, name) pairs."""
    found: list[tuple[int, str]] = list(rows)  # type: ignore[call-overload]
    return Chosen(broker, tuple(pk for pk, _name in found), tuple(name for _pk, name in found[:NAMED]))


@dataclass(frozen=True)
class Held:
    """What the queues hold, as last seen: messages, how many queues hold some, how many are consumed from."""

    messages: int
    full: int
    used: int


def held(queues: Chosen) -> Held:
    """Return what the chosen queues hold."""
    rows = Queue.objects.filter(among(queues.ids))
    messages = rows.aggregate(sum=Sum("ready"))["sum"] or 0
    return Held(messages, rows.filter(total__gt=0).count(), rows.filter(Q(consumers__gt=0)).count())
