"""The fields that a search of queues may name: what kind each is, where its value is kept, what it is for. Pure."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.core.query.fields import Field, Vocabulary

HEALTH = ("broken", "watch", "ok", "idle", "unknown")
YES_NO = ("yes", "no")
FLAGS = (
    "inbox",
    "delay",
    "unconsumed",
    "tracked",
    "muted",
    "owned",
    "noted",
    "durable",
    "exclusive",
    "auto_delete",
)

_ALL = (
    Field("name", "name", ("name",), _("its name: name:orders*, name:/^amq/")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("health", "choice", ("health",), _("the verdict"), HEALTH),
    Field("reason", "names", ("health_reasons",), _("a reason of the verdict, by its code: no_consumers")),
    Field("ready", "number", ("ready",), _("messages that wait to be delivered")),
    Field("lag", "span", ("oldest_at",), _("how long the oldest waits: lag>5m")),
    Field("type", "name", ("type",), _("classic, quorum, stream")),
    Field("owner", "name", ("owner",), _('who answers for it; owner:"" for nobody')),
    Field("consumers", "number", ("consumers",), _("consumers subscribed to it")),
    Field("unacked", "number", ("unacked",), _("messages delivered and not acknowledged yet")),
    Field("total", "number", ("total",), _("ready and unacked")),
    Field("publish_rate", "real", ("publish_rate",), _("messages that arrive per second")),
    Field("deliver_rate", "real", ("deliver_rate",), _("messages delivered per second")),
    Field("ack_rate", "real", ("ack_rate",), _("messages acknowledged per second")),
    Field("redeliver_rate", "real", ("redeliver_rate",), _("messages delivered once more per second")),
    Field("growth", "real", ("growth",), _("messages per second that it grows by")),
    Field("clears", "span", ("clears_in",), _("until the backlog is gone at this rate: clears>1h")),
    Field("memory", "number", ("memory",), _("bytes of its process: memory>10M"), is_size=True),
    Field(
        "capacity", "real", ("capacity",), _("share of time in which a consumer could take one: capacity<0.5")
    ),
    Field("ram", "number", ("ram",), _("messages that are in memory")),
    Field("persistent", "number", ("persistent",), _("messages that outlive a restart")),
    Field("bytes", "number", ("message_bytes",), _("bytes of all bodies: bytes>100M"), is_size=True),
    Field("tracked", "choice", ("tracked",), _("whether its dead letters are captured"), YES_NO),
    Field("muted", "choice", ("muted_until",), _("whether it is muted now"), YES_NO),
    Field("is", "flag", (), _("inbox, delay, unconsumed, muted, owned, noted, durable, …"), FLAGS),
    Field("policy", "name", ("policy",), _("the policy that applies to it")),
    Field("node", "name", ("node",), _("the node where it lives, or its leader")),
    Field("state", "name", ("state",), _("what the broker says of it: running, down, …")),
    Field("note", "text", ("note",), _("what somebody noted")),
    Field("seen", "moment", ("first_seen_at",), _("when it was first seen: seen:<1d"), example="<1d"),
    Field("broker", "name", ("broker__slug",), _("the broker")),
)
ALIASES = {
    "messages": "total",
    "depth": "total",
    "in": "publish_rate",
    "out": "deliver_rate",
    "acked": "ack_rate",
    "verdict": "health",
    "why": "reason",
}
QUEUES = Vocabulary.of(_ALL, ALIASES, has_patterns=True, has_colons=True)

# What stays as it is from one sample to the next: by these a standing setting may choose its queues.
STEADY = frozenset({"name", "vhost", "type", "policy", "broker", "is"})
STEADY_FLAGS = frozenset({"inbox", "delay", "durable", "exclusive", "auto_delete"})
