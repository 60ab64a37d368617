"""What is shown of bindings: a row of their list, with both its ends."""

from __future__ import annotations

from dataclasses import dataclass

from mqadmin.administration.listed.naming import address
from mqadmin.administration.listed.pairs import Pairs, pairs
from mqadmin.administration.listed.places import exchange_href
from mqadmin.rabbit.administration.bindings import Binding


@dataclass(frozen=True)
class BindingRow:
    """A binding with the pages of both its ends, and the dialog that takes it away."""

    broker: str
    item: Binding
    source: str
    destination: str
    arguments: Pairs

    @property
    def unbind(self) -> str:
        item = self.item
        return address(
            "binding_delete",
            self.broker,
            vhost=item.vhost,
            source=item.source,
            destination=item.destination,
            destination_type=item.destination_type,
            properties_key=item.properties_key,
        )


def binding_row(broker: str, item: Binding) -> BindingRow:
    """Return what a list draws of a binding."""
    return BindingRow(
        broker,
        item,
        exchange_href(broker, item.vhost, item.source),
        _destination(broker, item),
        pairs(item.arguments),
    )


def _destination(broker: str, item: Binding) -> str:
    if item.destination_type == "exchange":
        return exchange_href(broker, item.vhost, item.destination)
    return address("queue_named", broker, vhost=item.vhost, name=item.destination)
