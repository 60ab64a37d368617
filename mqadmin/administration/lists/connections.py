"""The list of connections."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.lists import kinds
from mqadmin.administration.lists.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import connections

FIELDS = (
    Field("user", "name", ("user",), _("the user it signed in as: user:shop")),
    Field("address", "name", ("address",), _("where it comes from: address:10.1.*")),
    Field("client", "name", ("client",), _("the client's library: client:*Java*")),
    Field("called", "name", ("called",), _("what the client calls itself")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field(
        "protocol",
        "name",
        ("protocol",),
        _("what it speaks: protocol:AMQP*, protocol:MQTT*, protocol:stream"),
    ),
    Field("state", "choice", ("state",), _("running, flow, blocking, blocked, …"), connections.STATES),
    Field("tls", "choice", ("tls",), _("whether it is encrypted"), ("yes", "no")),
    Field("ours", "choice", ("ours",), _("whether mqadmin itself opened it"), ("yes", "no")),
    Field("node", "name", ("node",), _("the node that it leads to")),
    Field("channels", "number", ("channels",), _("how many channels it has: channels>10")),
    Field("in_rate", "real", ("in_rate",), _("bytes per second from the client: in>1MB"), is_size=True),
    Field("out_rate", "real", ("out_rate",), _("bytes per second to the client"), is_size=True),
    Field("connected", "moment", ("connected",), _("since when: connected<5m")),
    Field("name", "name", ("name",), _("what the broker calls it")),
)
VOCABULARY = Vocabulary.of(
    FIELDS,
    {"in": "in_rate", "out": "out_rate", "host": "address", "ip": "address", "since": "connected"},
    has_patterns=True,
    has_colons=True,
)

CONNECTIONS = kinds.register(
    Kind(
        name="connections",
        row=connections.Connection,
        ask=connections.listed,
        identity=("name",),
        vocabulary=VOCABULARY,
        sorts={
            "state": ("wrong", "called", "name"),
            "called": ("called", "name"),
            "user": ("user", "called", "name"),
            "address": ("address", "name"),
            "vhost": ("vhost", "called", "name"),
            "client": ("client", "called", "name"),
            "protocol": ("protocol", "called", "name"),
            "channels": ("channels", "called", "name"),
            "in_rate": ("in_rate", "called", "name"),
            "out_rate": ("out_rate", "called", "name"),
            "connected": ("connected", "name"),
        },
        default_sort="state",
        words=("called", "name", "user", "client"),
    )
)
