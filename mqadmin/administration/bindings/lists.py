"""The list of bindings."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import bindings
from mqadmin.rabbit.administration.bindings import Binding
from mqadmin.rabbit.management_api.client import ManagementClient

FIELDS = (
    Field("source", "name", ("source",), _("the exchange that passes messages on")),
    Field("destination", "name", ("destination",), _("the queue or exchange that gets them")),
    Field("to", "choice", ("destination_type",), _("to a queue, or to an exchange"), ("queue", "exchange")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("key", "name", ("routing_key",), _("the routing key: key:order.*")),
    Field("arguments", "table", ("arguments",), _("an argument: arguments.x-match:any")),
)
VOCABULARY = Vocabulary.of(
    FIELDS,
    {"exchange": "source", "queue": "destination", "routing_key": "key", "argument": "arguments"},
    has_patterns=True,
    has_colons=True,
)


def _listed(client: ManagementClient) -> list[Binding]:
    """Return the bindings that somebody made: that each queue is bound to the default exchange says nothing."""
    return [item for item in bindings.listed(client) if item.source]


BINDINGS = kinds.register(
    Kind(
        name="bindings",
        row=Binding,
        ask=_listed,
        identity=("vhost", "source", "destination_type", "destination", "properties_key"),
        vocabulary=VOCABULARY,
        sorts={
            "source": ("source", "destination", "routing_key"),
            "destination": ("destination", "source", "routing_key"),
            "vhost": ("vhost", "source", "destination"),
            "key": ("routing_key", "source", "destination"),
        },
        default_sort="source",
        words=("source", "destination", "routing_key"),
        placed_by=("vhost", "destination_type", "destination"),
        place=lambda vhost, to, name: (vhost, name if to == "queue" else None),
    )
)
