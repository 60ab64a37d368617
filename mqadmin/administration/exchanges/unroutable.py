"""What publishers send and no queue takes, as the monitor found it: by exchange and publisher."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from mqadmin.administration.listed.naming import address
from mqadmin.core import permissions
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import broker_wording


@dataclass(frozen=True)
class Lost:
    """One way in which messages are not taken: in words, with the exchanges by name and link."""

    title: str
    text: str
    advice: str
    exchanges: Sequence[tuple[str, str, str]]  # vhost, name, address


def lost(broker: Broker | None) -> list[Lost]:
    """Return what is not taken at a broker, by its row alone; to who sees a part of it nothing: its rates,
    exchanges and publishers are all told together."""
    if broker is None or not permissions.allows(broker.slug):
        return []
    return [_lost(broker.slug, reason) for reason in _reasons(broker)]


def of_exchange(broker: Broker | None, vhost: str, name: str) -> list[Lost]:
    """Return that of it which may be by one exchange."""
    return [item for item in lost(broker) if any(found[:2] == (vhost, name) for found in item.exchanges)]


def known_by(broker: Broker | None) -> Hashable:
    """Return all that is shown of it."""
    return repr(_reasons(broker)) if broker is not None else None


def _reasons(broker: Broker) -> list[dict[str, object]]:
    return [item for item in broker.reasons if str(item["code"]).startswith("unroutable_")]


def _lost(slug: str, reason: dict[str, object]) -> Lost:
    words = broker_wording.told(reason)
    params = reason.get("params")
    named = params.get("exchanges", ()) if isinstance(params, dict) else ()
    exchanges = [
        (
            item["vhost"],
            item["name"],
            address("exchange_detail", slug, vhost=item["vhost"], name=item["name"]),
        )
        for item in named
    ]
    return Lost(words.title, words.evidence, words.advice, exchanges)
