"""What is shown of exchanges: a row of a list, and one exchange with all that is bound to it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.administration.bindings.lists import BINDINGS
from mqadmin.administration.bindings.pages import BindingRow, binding_row
from mqadmin.administration.exchanges.lists import EXCHANGES
from mqadmin.administration.listed.pairs import Pairs, pairs
from mqadmin.administration.listed.places import exchange_href
from mqadmin.administration.listing import reading
from mqadmin.administration.listing.reading import Seen
from mqadmin.administration.listing.tables import Table
from mqadmin.rabbit.administration.exchanges import Exchange

MOST_SHOWN = 200  # bindings of one exchange, each way


@dataclass(frozen=True)
class ExchangeRow:
    """A row of the list: where it leads, its features in words, its arguments as texts."""

    href: str
    marks: list[str]
    arguments: Pairs


@dataclass(frozen=True)
class Whole:
    """One exchange: what it passes to, what passes to it, and how many of each there are."""

    exchange: Exchange
    marks: list[str]
    arguments: Pairs
    outgoing: list[BindingRow]
    incoming: list[BindingRow]
    outgoing_count: int
    incoming_count: int
    alternate: str | None
    is_by_policy: bool
    alternate_of: list[str]


def exchange_row(broker: str, item: Exchange) -> ExchangeRow:
    """Return what the list draws of an exchange."""
    return ExchangeRow(exchange_href(broker, item.vhost, item.name), marks(item), pairs(item.arguments))


def marks(item: Exchange) -> list[str]:
    """Return the features of an exchange in words."""
    told = (
        (not item.durable, _("transient")),
        (item.auto_delete, _("auto-delete")),
        (item.internal, _("internal")),
    )
    return [words for holds, words in told if holds]


def whole(broker: str, exchanges: Seen, bindings: Seen, vhost: str, name: str) -> Whole | None:
    """Return an exchange with what is bound to it, None where the broker has none of that name."""
    rows = exchanges.rows()
    place = rows.places.get((vhost, name))
    if place is None:
        return None
    item = rows.row(place)
    bound = bindings.rows()
    outgoing = _bound(bound, vhost=vhost, source=name)
    incoming = _bound(bound, vhost=vhost, destination=name, destination_type="exchange")
    return Whole(
        exchange=item,
        marks=marks(item),
        arguments=pairs(item.arguments),
        outgoing=[binding_row(broker, bound.row(place)) for place in outgoing[:MOST_SHOWN]],
        incoming=[binding_row(broker, bound.row(place)) for place in incoming[:MOST_SHOWN]],
        outgoing_count=len(outgoing),
        incoming_count=len(incoming),
        alternate=item.alternate,
        is_by_policy=bool(item.alternate) and "alternate-exchange" not in item.arguments,
        alternate_of=_alternate_of(rows, vhost, name),
    )


def look(broker: str) -> tuple[Seen, Seen]:
    """Return the lists of exchanges and bindings as they are known."""
    return reading.look(broker, EXCHANGES), reading.look(broker, BINDINGS)


def _alternate_of(exchanges: Table, vhost: str, name: str) -> list[str]:
    column = exchanges.of("alternate")
    places = range(len(exchanges)) if name else ()
    found = column.holding(places, [alternate == name for alternate in column.distinct])
    return [exchanges.of("name")[place] for place in found if exchanges.of("vhost")[place] == vhost]


def _bound(bindings: Table, **wanted: str) -> list[int]:
    """Return the places of the bindings whose columns are so, in order."""
    places = bindings.order(BINDINGS.default_sort)
    for name, value in wanted.items():
        column = bindings.of(name)
        places = column.holding(places, [found == value for found in column.distinct])
    return places
