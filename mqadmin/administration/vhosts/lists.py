"""The list of virtual hosts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import vhosts

FLAGS = ("stopped", "traced", "protected", "limited")
FIELDS = (
    Field("name", "name", ("name",), _("its name: name:shop*, name:/^test/")),
    Field("description", "text", ("description",), _("what is said of it")),
    Field("tag", "names", ("tags",), _("a tag: tag:production")),
    Field("type", "name", ("default_queue_type",), _("the type of queues that do not say: type:quorum")),
    Field("messages", "number", ("messages",), _("messages in its queues: messages>1000")),
    Field("ready", "number", ("ready",), _("messages that wait: ready>1000")),
    Field("unacked", "number", ("unacked",), _("messages at consumers: unacked>1000")),
    Field("in_rate", "real", ("in_rate",), _("messages published per second: in>100")),
    Field("out_rate", "real", ("out_rate",), _("messages delivered per second")),
    Field("limit", "table", ("limits",), _("a limit: limit.max-queues>100")),
    Field("is", "flag", (), ", ".join(FLAGS), FLAGS),
)
VOCABULARY = Vocabulary.of(
    FIELDS,
    {"in": "in_rate", "out": "out_rate", "tags": "tag", "limits": "limit", "vhost": "name"},
    has_patterns=True,
    has_colons=True,
)

VHOSTS = kinds.register(
    Kind(
        name="vhosts",
        row=vhosts.Vhost,
        ask=vhosts.listed,
        identity=("name",),
        vocabulary=VOCABULARY,
        sorts={
            "name": ("name",),
            "messages": ("messages", "name"),
            "ready": ("ready", "name"),
            "unacked": ("unacked", "name"),
            "in_rate": ("in_rate", "name"),
            "out_rate": ("out_rate", "name"),
            "type": ("default_queue_type", "name"),
        },
        default_sort="name",
        words=("name", "description"),
        placed_by=("name",),
        flags={
            "stopped": ("nodes", lambda nodes: any(state != vhosts.RUNNING for state in nodes.values())),
            "traced": ("tracing", bool),
            "limited": ("limits", bool),
        },
    )
)
