"""The lists of connections and channels. What each channel was seen to hold is carried to the next asking."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Before, Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import channels, connections
from mqadmin.rabbit.administration.channels import Channel

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

CHANNEL_FIELDS = (
    Field("unacked", "number", ("unacked",), _("messages that its client holds: unacked>100")),
    Field("held", "moment", ("held",), _("for how long at least it holds them: held>10m")),
    Field("queue", "names", ("queues",), _("a queue that it reads: queue:orders")),
    Field("user", "name", ("user",), _("the user it signed in as: user:shop")),
    Field("address", "name", ("address",), _("where it comes from: address:10.1.*")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("state", "name", ("state",), _("running, flow, idle, …")),
    Field("connection", "name", ("connection",), _("the connection that it is of")),
    Field("consumers", "number", ("consumers",), _("how many consumers it has")),
    Field("prefetch", "number", ("prefetch",), _("how many each consumer may hold; 0 for no bound")),
    Field("unconfirmed", "number", ("unconfirmed",), _("published, and not yet confirmed")),
    Field("publish_rate", "real", ("publish_rate",), _("messages published per second: publish>10")),
    Field("deliver_rate", "real", ("deliver_rate",), _("messages given to the client per second")),
    Field("ack_rate", "real", ("ack_rate",), _("messages acked per second")),
    Field("redeliver_rate", "real", ("redeliver_rate",), _("messages given once more per second")),
    Field("returned_rate", "real", ("returned_rate",), _("published per second, and taken by no queue")),
    Field("node", "name", ("node",), _("the node that it leads to")),
    Field("is", "flag", (), _("confirm, transactional"), ("confirm", "transactional")),
)
CHANNEL_VOCABULARY = Vocabulary.of(
    CHANNEL_FIELDS,
    {
        "publish": "publish_rate",
        "deliver": "deliver_rate",
        "ack": "ack_rate",
        "redeliver": "redeliver_rate",
        "returned": "returned_rate",
        "unroutable": "returned_rate",
        "host": "address",
    },
    has_patterns=True,
    has_colons=True,
)


def _carried(found: Sequence[Channel], before: Before) -> list[Channel]:
    return [
        channels.carried(item, before.row((item.name,)), before.at) if item.unacked else item
        for item in found
    ]


CHANNELS = kinds.register(
    Kind(
        name="channels",
        row=Channel,
        ask=channels.listed,
        carry=_carried,
        identity=("name",),
        vocabulary=CHANNEL_VOCABULARY,
        sorts={
            "held": ("held", "name"),
            "name": ("name",),
            "user": ("user", "name"),
            "vhost": ("vhost", "name"),
            "unacked": ("unacked", "name"),
            "prefetch": ("prefetch", "name"),
            "consumers": ("consumers", "name"),
            "publish_rate": ("publish_rate", "name"),
            "deliver_rate": ("deliver_rate", "name"),
            "ack_rate": ("ack_rate", "name"),
            "redeliver_rate": ("redeliver_rate", "name"),
            "returned_rate": ("returned_rate", "name"),
        },
        default_sort="held",
        words=("name", "user"),
    )
)
