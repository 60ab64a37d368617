"""Where letters are requeued to, and whether that would arrive: asked of the broker before anything is sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose
from mqadmin.core.rights import naming
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.acts import destination
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.topology.routing import DEFAULT_EXCHANGE, Route, RoutingTable
from mqadmin.rabbit.types import QueueInfo

MOST_EXACT = 50  # queues whose length is asked for this instant
MOST_PLACES = 200  # different destinations of one act that are looked at


@dataclass(frozen=True)
class To:
    """What was chosen: back to the source queue, to the exchange it was published to, or a given place.

    `exchange` and `routing_key` are for `kind` "given" only; a `routing_key` of None keeps each letter's own.
    """

    kind: Literal["source", "exchange", "given"] = "source"
    exchange: str = ""
    routing_key: str | None = None

    def to_json(self) -> str | dict[str, Any]:
        """Return it as the API writes it."""
        if self.kind != "given":
            return self.kind
        return {"exchange": self.exchange, "routing_key": self.routing_key}

    @classmethod
    def from_json(cls, value: str | Mapping[str, Any]) -> To:
        """Undo `to_json`. Raises Refusal (422) for anything else."""
        if value == "source" or value == "exchange":
            return cls(kind="source" if value == "source" else "exchange")
        if isinstance(value, str):
            raise Refusal(
                _("“to” is source, exchange, or an exchange with a routing key."), "invalid", status=422
            )
        return cls("given", exchange=value["exchange"], routing_key=value.get("routing_key"))


@dataclass(frozen=True)
class Address:
    """What a copy is published with; `problem` says why it cannot be."""

    exchange: str = ""
    routing_key: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Destination:
    """Letters that go to one place: how many, which `queues` they reach, and in words what is wrong.

    `problem`: they would not arrive, and stay. `warning`: they arrive, maybe not only where one thinks.
    """

    vhost: str
    exchange: str
    routing_key: str
    count: int
    queues: tuple[str, ...] = ()
    problem: str = ""
    warning: str = ""

    @property
    def name(self) -> str:
        """The place in words: the queue's name, or exchange and key."""
        if self.exchange == DEFAULT_EXCHANGE:
            return self.routing_key or _("unknown")
        return f"{self.exchange} · {self.routing_key}"


def address(letter: DeadLetter, to: To) -> Address:
    """Return where the copy of one letter is published to. Pure."""
    return _address(to, letter.return_queue, letter.source_exchange, letter.routing_keys)


def not_theirs(broker: str, vhost: str, place: Address, to: To, dead_letter_queue: str) -> str:
    """Return why who asks may not send a letter there, "" where they may.

    Back to the queue that it died in it goes for whoever may operate its dead-letter queue; anywhere else only to
    queues that are theirs to operate, and through an exchange where the whole virtual host is.
    """
    if place.problem or (to.kind == "source" and naming.holds("operate", broker, vhost, dead_letter_queue)):
        return ""
    queue = place.routing_key if place.exchange == DEFAULT_EXCHANGE else None
    refusal = destination.not_theirs(broker=broker, vhost=vhost, queue=queue)
    return refusal.text if refusal else ""


def check_destination(*, broker: str, rows: QuerySet[DeadLetter], to: To) -> list[Destination]:
    """Return the places that `rows` would go to, the ones with most letters first. Raises as `look`."""
    return look(broker=broker, rows=rows, to=to)[0]


def look(
    *, broker: str, rows: QuerySet[DeadLetter], to: To
) -> tuple[list[Destination], dict[tuple[str, str], QueueInfo]]:
    """Return those places, and the queues that are reached by (vhost, name), as they are now.

    Raises RabbitError when the broker cannot be asked, Refusal for more than MOST_PLACES places.
    """
    groups = _groups(rows, to)
    if len(groups) > MOST_PLACES:
        raise Refusal(
            _("These letters go to more than %(n)d places. Requeue them in parts.") % {"n": MOST_PLACES},
            "too_many_places",
        )
    maps: dict[str, _Map] = {}
    found = []
    infos: dict[tuple[str, str], QueueInfo] = {}
    for (vhost, place, dead_letter_queue), count in groups.most_common():
        if vhost not in maps:
            maps[vhost] = _Map(brokers.client(broker), vhost)
        if problem := not_theirs(broker, vhost, place, to, dead_letter_queue):
            found.append(Destination(vhost, place.exchange, place.routing_key, count, problem=problem))
            continue
        found.append(maps[vhost].judge(place, count, dead_letter_queue, to))
    for vhost, known in maps.items():
        reached = {name for place in found if place.vhost == vhost for name in place.queues}
        now = destination.refreshed(
            brokers.client(broker), [info for info in known.infos if info.name in reached]
        )
        for number, info in enumerate(now):
            infos[info.key] = destination.exactly(broker, info) if number < MOST_EXACT else info
    return found, infos


def _address(to: To, return_queue: str, exchange: str, keys: Sequence[str]) -> Address:
    key = keys[0] if keys else ""
    if to.kind == "source":
        if not return_queue:
            return Address(problem=_("It is not known which queue it died in: choose where it goes."))
        return Address(DEFAULT_EXCHANGE, return_queue)
    if to.kind == "exchange":
        if not exchange and not key:
            return Address(
                problem=_("It is not known which exchange it was published to: choose where it goes.")
            )
        return Address(exchange, key)
    return Address(to.exchange, key if to.routing_key is None else to.routing_key)


def _groups(rows: QuerySet[DeadLetter], to: To) -> Counter[tuple[str, Address, str]]:
    """Return how many letters share (vhost, address, dead-letter queue)."""
    needed = {
        "source": ["return_queue"],
        "exchange": ["source_exchange", "routing_keys"],
        "given": ["routing_keys"] if to.routing_key is None else [],
    }[to.kind]
    groups: Counter[tuple[str, Address, str]] = Counter()
    fields = ["vhost", "dead_letter_queue", *needed]
    for values in rows.order_by().values(*fields).annotate(n=Count("pk")):
        keys = values.get("routing_keys") or []
        place = _address(
            to,
            values.get("return_queue", ""),
            values.get("source_exchange", ""),
            json.loads(keys) if isinstance(keys, str) else keys,
        )
        groups[values["vhost"], place, values["dead_letter_queue"]] += values["n"]
    return groups


class _Map:
    """The queues, exchanges and bindings of one vhost as they are now."""

    def __init__(self, client: ManagementClient, vhost: str) -> None:
        self._vhost = vhost
        self.infos = client.queues(vhost)
        self._queues = {item.name for item in self.infos}
        self._table = RoutingTable(
            [(vhost, name) for name in self._queues], client.bindings(vhost), client.exchanges(vhost)
        )

    def judge(self, place: Address, count: int, dead_letter_queue: str, to: To) -> Destination:
        route = self._table.route(self._vhost, place.exchange, place.routing_key)
        queues = tuple(name for name in route.queues if name in self._queues)
        problem, warning = place.problem, ""
        if problem:
            queues = ()
        elif not route.exchange_exists:
            problem = _("There is no exchange “%(name)s”.") % {"name": place.exchange}
        elif not queues and place.exchange == DEFAULT_EXCHANGE:
            problem = _("There is no queue “%(name)s”.") % {"name": place.routing_key}
        elif not queues and route.certain:
            problem = _("No queue is bound to “%(exchange)s” for “%(key)s”.") % {
                "exchange": place.exchange,
                "key": place.routing_key,
            }
        elif dead_letter_queue in queues and (route.certain or dead_letter_queue in route.sure):
            problem = _("It would go straight back to the dead-letter queue “%(name)s”.") % {
                "name": dead_letter_queue
            }
        elif place.exchange != DEFAULT_EXCHANGE and to.kind != "source":
            warning = _reached(route, queues)
            if dead_letter_queue in queues:
                back = _("Some may go straight back to the dead-letter queue “%(name)s”.")
                warning = prose.paragraph((warning, back % {"name": dead_letter_queue}))
        return Destination(self._vhost, place.exchange, place.routing_key, count, queues, problem, warning)


def _reached(route: Route, queues: tuple[str, ...]) -> str:
    """Return in a sentence which of the queues a letter reaches, as far as is known without reading it."""
    names = {"queues": prose.listed(queues[:10])}
    match route.choice:
        case "all":
            return _("Every queue bound for it gets a copy: %(queues)s.") % names
        case "one":
            return _("One of these queues gets it: %(queues)s.") % names
        case "matching":
            text = _("Each queue whose binding matches the letter gets a copy, of: %(queues)s.") % names
            rest = "" if route.sure or route.otherwise else _("What matches none stays in the inbox.")
            return prose.paragraph((text, rest))
        case _:
            return _("Which queues get it depends on the letter: %(queues)s.") % names
