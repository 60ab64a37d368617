"""One message is published to an exchange: first where it would go, then confirmed and mandatory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import change, require_name
from mqadmin.administration.exchanges.acts import DELAYED
from mqadmin.core import brokers, permissions
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.queues.acts import destination
from mqadmin.queues.acts import publishing as messages
from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.publishing.publisher import Outgoing
from mqadmin.rabbit.topology.routing import DEFAULT_EXCHANGE, Choice, RoutingTable
from mqadmin.rabbit.types import ExchangeInfo, QueueInfo

PUBLISH = "exchange.publish"
MOST_ASKED = (
    20  # queues of which each is asked about by itself; of more the whole virtual host's list is asked
)
DELAY = "x-delay"


@dataclass(frozen=True)
class Preview:
    """Where a message would go. `sure`: queues that get it; `perhaps`: of these `choice` says how they are chosen
    (`routing.Route`); `otherwise`: those that an alternate exchange leads to, which get it if nothing else does.

    `stops`: why a queue would refuse it; `loses`: what would be lost; `tells`: what one should know.
    `held_ms`: how long an x-delayed-message exchange keeps it first, None: not at all.
    """

    exchange: str
    sure: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    choice: Choice = "all"
    stops: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    held_ms: int | None = None

    @property
    def is_unroutable(self) -> bool:
        """Whether no queue would get it."""
        return not (self.sure or self.perhaps or self.otherwise)

    @property
    def mark(self) -> str:
        """What these ways are known by: others are shown before anything goes."""
        known = repr((self.sure, self.perhaps, self.otherwise, self.choice, self.loses))
        return hashlib.blake2b(known.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Written:
    """A message as somebody wrote it down (`queues.acts.publishing`)."""

    vhost: str
    exchange: str
    routing_key: str = ""
    body: str = ""
    encoding: str = "utf-8"
    properties: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)

    def outgoing(self) -> Outgoing:
        """Return it as it is sent. Raises Refusal (422, with the field to blame)."""
        require_name("vhost", self.vhost)
        require_name("exchange", self.exchange, empty=True)
        return messages.outgoing(
            self.exchange,
            self.routing_key,
            body=self.body,
            encoding=self.encoding,
            properties=self.properties,
            headers=self.headers,
        )


def preview(*, broker: str, message: Written) -> Preview:
    """Return where a message would go, by the bindings of this instant: the broker is asked.

    Raises Refusal (422 with the field to blame; 404 for an exchange that is not there, 409 `internal`),
    RabbitError.
    """
    permissions.require(broker, message.vhost)
    return _preview(brokers.for_page(broker), broker, message.vhost, message.outgoing())


def publish(
    *, broker: str, by: Actor, message: Written, allow_loss: bool = False, seen: str | None = None
) -> tuple[bool | None, Preview]:
    """Publish a message; return whether a queue received it (None: it is held back first), and where it went.

    `seen`: the mark of the preview that somebody saw: where it would go elsewhere by now, nothing is published.
    `allow_loss`: also where a queue would drop it, or another for it. Raises Refusal (422 with the field to blame;
    404; 409 `internal`, `would_lose`, `no_room`, `other_ways`), RabbitError when the broker said no or was not
    reached: then nothing was published, or the sentence says that it is not known.
    """
    item = message.outgoing()
    detail = {
        "routing_key": item.routing_key,
        "message_id": item.properties.message_id,
        "size": len(item.body),
    }
    target = f"{message.vhost}:{message.exchange}"
    with change(
        by=by,
        action=PUBLISH,
        broker=broker,
        vhost=message.vhost,
        target=target,
        kinds=["exchanges"],
        detail=detail,
    ) as act:
        found = _preview(act.client, broker, message.vhost, item)
        if seen is not None and seen != found.mark:
            text = _("It would go elsewhere than was shown. Look again at where it goes now.")
            raise Refusal(text, "other_ways")
        verdict = destination.Verdict(stops=found.stops, loses=found.loses)
        verdict.refuse(allow_loss=allow_loss)
        routed = messages.send(broker, message.vhost, item)
        act.entry.count = 1
        act.entry.detail = {**detail, "routed": routed, "queues": list(found.sure[:100])}
        return (None if found.held_ms else routed), found


def _preview(client: ManagementClient, broker: str, vhost: str, item: Outgoing) -> Preview:
    exchanges, bindings = client.exchanges(vhost), client.bindings(vhost)
    exchange = next((one for one in exchanges if one.name == item.exchange), None)
    if exchange is None:
        raise Refusal(_("There is no such exchange."), "not_found", status=404)
    if exchange.internal:
        raise Refusal(_("It is internal: only other exchanges may publish to it."), "internal")
    # Each queue is bound to the default exchange: so its name is known without asking for all that queues are.
    queues = {(vhost, one.destination) for one in bindings if one.source == DEFAULT_EXCHANGE}
    headers = dict(item.properties.headers or {})
    table = RoutingTable(queues, bindings, exchanges)
    keys = [item.routing_key, *_also(headers)]
    route = table.route_message(vhost, item.exchange, keys, headers)
    perhaps = set(route.queues) - set(route.sure) - set(route.otherwise)
    verdicts = [
        destination.judged(info, 1, len(item.body)) for info in _infos(client, broker, vhost, route.sure)
    ]
    return Preview(
        exchange=item.exchange,
        sure=route.sure,
        perhaps=tuple(sorted(perhaps)),
        otherwise=route.otherwise,
        choice=route.choice,
        stops=tuple(text for verdict in verdicts for text in verdict.stops),
        loses=tuple(text for verdict in verdicts for text in verdict.loses),
        tells=tuple(text for verdict in verdicts for text in verdict.tells),
        held_ms=_held(exchange, headers),
    )


def _infos(client: ManagementClient, broker: str, vhost: str, names: Sequence[str]) -> list[QueueInfo]:
    """Return the queues of these names with the policies that are in force."""
    if len(names) > MOST_ASKED:
        wanted = set(names)
        found = [info for info in client.queues(vhost) if info.name in wanted]
    else:
        found = []
        for name in names:
            try:
                found.append(client.queue(vhost, name).info)
            except NotFound:  # it went meanwhile
                continue
    infos = destination.refreshed(client, found)
    return [destination.exactly(broker, info) for info in infos] if len(infos) <= MOST_ASKED else infos


def _also(headers: Mapping[str, Any]) -> list[str]:
    """Return the routing keys of CC and BCC."""
    keys = []
    for name in ("CC", "BCC"):
        value = headers.get(name)
        keys += [str(key) for key in value] if isinstance(value, list) else []
    return keys


def _held(exchange: ExchangeInfo, headers: Mapping[str, Any]) -> int | None:
    delay = headers.get(DELAY)
    is_held = (
        exchange.type == DELAYED and isinstance(delay, int) and not isinstance(delay, bool) and delay > 0
    )
    return int(delay) if is_held and delay is not None else None
