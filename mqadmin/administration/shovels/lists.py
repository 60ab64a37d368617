"""The list of shovels, without the passwords in their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.parameters import masks
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import shovels
from mqadmin.rabbit.administration.shovels import Shovel
from mqadmin.rabbit.management_api.client import ManagementClient


def _listed(client: ManagementClient) -> Sequence[Shovel]:
    return [kept(item) for item in shovels.listed(client)]


def kept(item: Shovel) -> Shovel:
    """Return a shovel without its secrets."""
    return replace(
        item,
        definition=masks.shown("value", dict(item.definition)),
        reason=masks.shown_text(item.reason, dict(item.definition)),
    )


FIELDS = (
    Field("name", "name", ("name",), _("its name")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("state", "name", ("state",), _("running, flow, blocked, starting, terminated")),
    Field("reason", "text", ("reason",), _("a part of why it ended")),
    Field("node", "name", ("node",), _("the node that it runs on")),
    Field("forwarded", "number", ("forwarded",), _("messages that it moved")),
    Field("definition", "table", ("definition",), _("what it is to do: definition.src-queue:orders")),
    Field("is", "flag", (), _("static, running, wrong"), ("static", "running", "wrong")),
)
VOCABULARY = Vocabulary.of(FIELDS, {}, has_patterns=True, has_colons=True)

SHOVELS = kinds.register(
    Kind(
        name="shovels",
        row=Shovel,
        ask=_listed,
        identity=("vhost", "name"),
        vocabulary=VOCABULARY,
        sorts={
            "name": ("name", "vhost"),
            "vhost": ("vhost", "name"),
            "state": ("state", "name", "vhost"),
            "since": ("since", "name", "vhost"),
            "forwarded": ("forwarded", "name", "vhost"),
        },
        default_sort="-state",  # terminated, starting, running
        flags={
            "static": ("type", lambda kind: kind == "static"),
            "running": ("state", lambda state: state in ("running", "flow")),
            "wrong": ("state", lambda state: state not in ("running", "flow", "")),
        },
    )
)
