"""The list of exchanges."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import exchanges

FIELDS = (
    Field("name", "name", ("name",), _("its name: name:orders*, name:/^amq/")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("type", "name", ("type",), _("direct, fanout, topic, headers, …")),
    Field("policy", "name", ("policy",), _("the policy that applies to it")),
    Field("in_rate", "real", ("in_rate",), _("messages published to it per second: in>100")),
    Field("out_rate", "real", ("out_rate",), _("messages that it passes to queues per second")),
    Field("alternate", "name", ("alternate",), _("the exchange that gets what no binding takes")),
    Field("arguments", "table", ("arguments",), _("an argument: arguments.alternate-exchange:spare")),
    Field(
        "is",
        "flag",
        (),
        _("durable, auto_delete, internal, built_in, used"),
        ("durable", "auto_delete", "internal", "built_in", "used"),
    ),
)
VOCABULARY = Vocabulary.of(
    FIELDS,
    {"in": "in_rate", "out": "out_rate", "argument": "arguments"},
    has_patterns=True,
    has_colons=True,
)

EXCHANGES = kinds.register(
    Kind(
        name="exchanges",
        row=exchanges.Exchange,
        ask=exchanges.listed,
        identity=("vhost", "name"),
        vocabulary=VOCABULARY,
        sorts={
            "name": ("name", "vhost"),
            "vhost": ("vhost", "name"),
            "type": ("type", "name", "vhost"),
            "policy": ("policy", "name", "vhost"),
            "in_rate": ("in_rate", "name", "vhost"),
            "out_rate": ("out_rate", "name", "vhost"),
        },
        default_sort="name",
        flags={
            "built_in": ("name", lambda name: not name or name.startswith("amq.")),
            "used": ("taken", bool),
        },
    )
)
