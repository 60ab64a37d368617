"""The map of a vhost: where every queue's dead letters go, what is wrong with that, and the fix in words."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import brokers
from mqadmin.core.pages import formats, prose
from mqadmin.core.rights import asking, naming
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import wording
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api import peek
from mqadmin.rabbit.topology import redflags
from mqadmin.rabbit.topology.redflags import Flag
from mqadmin.rabbit.topology.topology import (
    DeadLetterMap,
    DeadLetterPath,
    QueueKey,
    dead_letter_exchange,
    dead_letter_map,
    dead_letter_routing_key,
)
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, QueueInfo

FRESH = 10.0  # seconds that the exchanges and bindings of a vhost are used again
MOST_QUEUES = 20_000


@dataclass(frozen=True)
class MappedQueue:
    """One queue on the map, with what is wrong with it."""

    row: Queue
    target: DeadLetterPath
    flags: tuple[Flag, ...] = ()

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def level(self) -> str:
        """ "red", "amber" or ""."""
        levels = {flag.level for flag in self.flags}
        return "red" if "red" in levels else "amber" if levels else ""

    @property
    def kind(self) -> str:
        """What the queue is on the map, in a word."""
        if self.target.is_delay:
            return "delay"
        return "inbox" if self.target.is_inbox else "source"

    @property
    def faults(self) -> list[tuple[str, str, str]]:
        """What is wrong, as (level, what, the fix)."""
        return [(flag.level, *in_words(flag)) for flag in self.flags]

    @property
    def ways(self) -> list[tuple[str, tuple[str, ...]]]:
        """The queues its letters reach: those that all of them do, then with words those that some of them do."""
        target = self.target
        others = tuple(name for name in target.to if name not in {*target.sure, *target.otherwise})
        if target.certain:
            return [("", target.to)] if target.to else []
        parts = [("", target.sure), (wording.choice(target.choice), others), (_("else"), target.otherwise)]
        return [(words, names) for words, names in parts if names]

    @property
    def may_be_lost(self) -> bool:
        """Whether a letter that nothing matches vanishes: there is a choice, and nobody for the rest."""
        target = self.target
        has_rest = bool(target.sure or target.otherwise)
        return bool(target.to) and target.choice == "matching" and not has_rest

    @property
    def by(self) -> str:
        """Which setting sends its letters away: "dlx · key"."""
        exchange = self.target.exchange
        if exchange is None:
            return ""
        key = self.target.routing_key
        shown = exchange or _("default exchange")
        return (
            f"{shown} · {key}"
            if key is not None
            else _("%(exchange)s · each message's own key") % {"exchange": shown}
        )


@dataclass(frozen=True)
class Mapped:
    """The queues of a vhost that have to do with dead letters, by name. `fault`: why exchanges and bindings are
    not known, so that the last sample's targets are shown instead."""

    vhost: str
    places: Mapping[str, MappedQueue]
    others: int = 0
    fault: str = ""

    @property
    def flagged(self) -> list[MappedQueue]:
        """The queues with something wrong, the worst first."""
        found = [place for place in self.places.values() if place.flags]
        return sorted(found, key=lambda place: (place.level != "red", place.name))


def vhosts(broker: str) -> list[str]:
    """Return the vhosts of a broker that have queues."""
    rows = Queue.objects.filter(broker__slug=broker, gone_at=None).order_by("vhost")
    return list(rows.values_list("vhost", flat=True).distinct())


def first(broker: str) -> str:
    """Return the vhost that has most to show: the most dead-letter queues. "" where there are no queues."""
    rows = Queue.objects.filter(broker__slug=broker, gone_at=None).values("vhost")
    inboxes = Count("pk", filter=Q(is_inbox=True))
    found = rows.annotate(inboxes=inboxes).order_by("-inboxes", "vhost").first()
    return found["vhost"] if found else ""


def of(broker: str, vhost: str) -> Mapped:
    """Return the map of a vhost: queues as last sampled, exchanges and bindings as they are now."""
    if naming.holds("view", broker, vhost):
        return _of(broker, vhost)
    with asking.asks(
        None
    ):  # where letters go is only known with all queues; what is not theirs is left out then
        whole = _of(broker, vhost)
    return _theirs(broker, whole)


def _theirs(broker: str, whole: Mapped) -> Mapped:
    """Return the map with the queues alone that who asks may see, also where others are named."""
    names = naming.seen(broker, whole.vhost, whole.places)
    seen = set(names)

    def kept(found: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in found if name in seen)

    def shown(place: MappedQueue) -> MappedQueue:
        target = place.target
        path = dataclasses.replace(
            target,
            to=kept(target.to),
            sure=kept(target.sure),
            otherwise=kept(target.otherwise),
            from_=kept(target.from_),
        )
        flags = tuple(dataclasses.replace(flag, others=kept(flag.others)) for flag in place.flags)
        return MappedQueue(place.row, path, flags)

    rows = Queue.objects.filter(broker__slug=broker, vhost=whole.vhost, gone_at=None)
    places = {name: shown(whole.places[name]) for name in names}
    return Mapped(whole.vhost, places, rows.count() - len(places), whole.fault)


def _of(broker: str, vhost: str) -> Mapped:
    rows = list(
        Queue.objects.filter(broker__slug=broker, vhost=vhost, gone_at=None).order_by("name")[:MOST_QUEUES]
    )
    infos = [_info(row) for row in rows]
    fault = ""
    try:
        bindings, exchanges = _routing(broker, vhost)
        found = dead_letter_map(
            infos,
            bindings,
            exchanges,
            captured={(row.vhost, row.name) for row in rows if row.tracked},
            worked={(row.vhost, row.name) for row in rows if row.facts.get("consumers_seen")},
        )
    except RabbitError as error:
        fault = str(error)
        found = _sampled(rows)
    wrong = redflags.flags(infos, found, limits=_limits(broker, infos))
    places = {
        row.name: MappedQueue(row, found[vhost, row.name], wrong.get((vhost, row.name), ()))
        for row in rows
        if found[vhost, row.name].exchange is not None or found[vhost, row.name].from_
    }
    return Mapped(vhost, places, len(rows) - len(places), fault)


_lock = threading.Lock()
_known: dict[tuple[str, str], tuple[float, list[BindingInfo], list[ExchangeInfo]]] = {}


def _routing(broker: str, vhost: str) -> tuple[list[BindingInfo], list[ExchangeInfo]]:
    """Return the bindings and exchanges of a vhost, at most FRESH seconds old. Raises RabbitError."""
    key = (broker, vhost)
    with _lock:
        known = _known.get(key)
    if known is not None and time.monotonic() - known[0] < FRESH:
        return known[1], known[2]
    client = brokers.for_page(broker)
    bindings, exchanges = client.bindings(vhost), client.exchanges(vhost)
    with _lock:
        _known[key] = (time.monotonic(), bindings, exchanges)
    return bindings, exchanges


def forget() -> None:
    """Drop what is known, so that the next map asks the broker."""
    with _lock:
        _known.clear()


def _info(row: Queue) -> QueueInfo:
    return QueueInfo(
        vhost=row.vhost,
        name=row.name,
        type=row.type,
        durable=row.durable,
        auto_delete=row.auto_delete,
        exclusive=row.exclusive,
        consumers=row.consumers,
        total=row.total,
        arguments=row.arguments,
        effective_policy=row.effective_policy,
    )


def _limits(broker: str, infos: Iterable[QueueInfo]) -> dict[QueueKey, int | None] | None:
    """Return the delivery limits where a letter brings the count that it died of."""
    row = Broker.objects.filter(slug=broker).only("product", "version").first()
    return None if row is None else peek.limits_of_letters(infos, row.product, row.version)


def _sampled(rows: Iterable[Queue]) -> DeadLetterMap:
    """Return what the monitor's rows say of the targets."""
    rows = list(rows)
    delays = {(row.vhost, row.name) for row in rows if row.is_delay}
    targets = {}
    for row in rows:
        origins = row.dead_letters_from
        is_way_back = bool(origins and row.dead_letters_to) and not row.is_inbox and not row.is_delay
        info = _info(row)
        fault = row.dead_letter_fault
        targets[row.vhost, row.name] = DeadLetterPath(
            exchange=dead_letter_exchange(info),
            routing_key=dead_letter_routing_key(info),
            to=tuple(row.dead_letters_to),
            choice=row.dead_letter_choice or "all",  # type: ignore[arg-type]
            broken=fault if fault in ("exchange_missing", "routes_nowhere") else None,  # type: ignore[arg-type]
            from_=tuple(origins),
            leads_back=is_way_back,
            only_expired=bool(origins) and all((row.vhost, name) in delays for name in origins),
            is_delay=row.is_delay,
        )
    return DeadLetterMap(targets)


def narrowed(found: Mapped, *, q: str = "", only_flagged: bool = False) -> Mapped:
    """Return the part of the map about queues with `q` in their names, with what they dead-letter to and from."""
    if not q and not only_flagged:
        return found
    wanted = q.casefold()
    chosen = {
        name
        for name, place in found.places.items()
        if wanted in name.casefold() and (place.flags or not only_flagged)
    }
    near = set(chosen)
    for name in chosen:
        near.update(found.places[name].target.to)
        near.update(found.places[name].target.from_)
    places = {name: place for name, place in found.places.items() if name in near}
    return dataclasses.replace(found, places=places)


def in_words(flag: Flag) -> tuple[str, str]:
    """Return (what is wrong, how to put it right)."""
    value = flag.value
    match flag.code:
        case "exchange_missing":
            return (
                _("Its dead-letter exchange “%(name)s” does not exist: letters vanish.") % {"name": value},
                _("Declare the exchange “%(name)s” and bind a dead-letter queue to it.") % {"name": value},
            )
        case "routes_nowhere":
            return (
                _("Its letters reach no queue: they vanish."),
                _("Bind a queue to the dead-letter exchange for the key “%(key)s”.") % {"key": value}
                if value
                else _("Bind a queue to the dead-letter exchange."),
            )
        case "at_least_once_fell_back":
            return (
                _("At-least-once dead-lettering is asked for and not in force: overflow is %(overflow)s.")
                % {"overflow": value},
                _(
                    "Set x-overflow=reject-publish (or “overflow” in its policy); until then letters can be lost."
                ),
            )
        case "ttl_eats":
            return (
                _("Letters expire here after %(time)s and are gone.")
                % {"time": formats.duration(int(value) / 1000)},
                _(
                    "Remove the message TTL (x-message-ttl, or “message-ttl” in a policy), or track the queue."
                ),
            )
        case "length_eats":
            return (
                _("Beyond %(limit)s the oldest letters are dropped.") % {"limit": _limit(value)},
                _(
                    "Remove the limit (x-max-length, x-max-length-bytes, or the policy's), or track the queue."
                ),
            )
        case "length_refuses":
            return (
                _("Beyond %(limit)s new letters are refused, and lost unless their queue is at-least-once.")
                % {"limit": _limit(value)},
                _(
                    "Raise the limit, or use at-least-once dead-lettering with reject-publish in the source queues."
                ),
            )
        case "queue_expires":
            return (
                _("The queue is deleted with its letters after %(time)s without use.")
                % {"time": formats.duration(int(value) / 1000)},
                _("Declare it without x-expires, and take “expires” out of its policy."),
            )
        case "is_transient":
            return (
                _("The queue does not outlive a restart, or its last consumer."),
                _("Declare it durable, neither auto-delete nor exclusive."),
            )
        case "returns_kill":
            return (
                _(
                    "Letters that were returned too often keep their count: at a delivery limit of %(limit)s "
                    "the first return here, of any client, destroys them."
                )
                % {"limit": value},
                _(
                    "Set “delivery-limit” to -1 for this queue by a policy, or dead-letter to a classic queue."
                ),
            )
        case "cycle":
            others = prose.listed(flag.others[:4])
            what = (
                _("Its letters come back to it by way of %(others)s, with no delay between.")
                % {"others": others}
                if others
                else _("It dead-letters to itself.")
            )
            return (
                what,
                _(
                    "Letters that expire or overflow are dropped on their second way round. Give the way back a "
                    "delay queue with a TTL, or dead-letter to a queue that nobody leads back from."
                ),
            )


def _limit(value: str) -> str:
    if value.endswith(" B"):
        return formats.size(int(value[:-2]))
    number = int(value)
    return ngettext("%(n)s letter", "%(n)s letters", number) % {"n": formats.number(number)}
