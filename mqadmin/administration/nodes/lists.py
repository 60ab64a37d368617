"""The list of nodes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import nodes

FIELDS = (
    Field("name", "name", ("name",), _("its name: name:rabbit@a*")),
    Field("version", "name", ("version",), _("its RabbitMQ: version:4.0*")),
    Field("erlang", "name", ("erlang",), _("its Erlang")),
    Field("memory", "number", ("mem_used",), _("the memory it uses: memory>2GB"), is_size=True),
    Field("disk", "number", ("disk_free",), _("the disk that is free: disk<10GB"), is_size=True),
    Field("descriptors", "number", ("fd_used",), _("the file descriptors it uses")),
    Field("processes", "number", ("proc_used",), _("its Erlang processes")),
    Field("is", "flag", (), _("running, draining, ram"), ("running", "draining", "ram")),
)
VOCABULARY = Vocabulary.of(FIELDS, {"mem": "memory", "fd": "descriptors"}, has_patterns=True, has_colons=True)

NODES = kinds.register(
    Kind(
        name="nodes",
        row=nodes.Node,
        ask=nodes.listed,
        identity=("name",),
        vocabulary=VOCABULARY,
        sorts={
            "name": ("name",),
            "version": ("version", "name"),
            "memory": ("mem_used", "name"),
            "disk": ("disk_free", "name"),
            "descriptors": ("fd_used", "name"),
            "processes": ("proc_used", "name"),
            "uptime": ("uptime_s", "name"),
        },
        default_sort="name",
        placed_by=(),
        flags={"ram": ("type", lambda found: found == "ram")},
    )
)
