"""The lists of federation: links, upstreams, sets of upstreams, without the passwords in their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.parameters import masks
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import federation
from mqadmin.rabbit.administration.federation import Link, Upstream, UpstreamSet
from mqadmin.rabbit.management_api.client import ManagementClient


def _links(client: ManagementClient) -> Sequence[Link]:
    return [
        replace(item, uri=masks.shown("uri", item.uri), error=masks.shown_text(item.error))
        for item in federation.links(client)
    ]


def _upstreams(client: ManagementClient) -> Sequence[Upstream]:
    return [
        replace(item, definition=masks.shown("value", dict(item.definition)))
        for item in federation.upstreams(client)
    ]


def _sets(client: ManagementClient) -> Sequence[UpstreamSet]:
    return [
        replace(item, members=masks.shown("value", list(item.members))) for item in federation.sets(client)
    ]


_PLACE = (
    Field("name", "name", ("name",), _("its name")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
)

LINKS = kinds.register(
    Kind(
        name="federation_links",
        row=Link,
        ask=_links,
        identity=("vhost", "type", "name", "upstream", "node", "id"),
        vocabulary=Vocabulary.of(
            (
                *_PLACE,
                Field("upstream", "name", ("upstream",), _("the upstream that it is of")),
                Field("type", "name", ("type",), _("exchange or queue")),
                Field("status", "name", ("status",), _("running, starting, error, shutdown")),
                Field("error", "text", ("error",), _("a part of what is wrong")),
                Field("node", "name", ("node",), _("the node that it runs on")),
                Field("in_rate", "real", ("rate",), _("messages that come in per second")),
                Field("is", "flag", (), _("wrong"), ("wrong",)),
            ),
            {"state": "status"},
            has_patterns=True,
            has_colons=True,
        ),
        sorts={
            "name": ("name", "vhost", "upstream"),
            "upstream": ("upstream", "vhost", "name"),
            "status": ("status", "upstream", "name"),
            "since": ("since", "upstream", "name"),
            "in_rate": ("rate", "upstream", "name"),
        },
        default_sort="status",  # error, running, shutdown, starting
        words=("name", "upstream"),
        flags={"wrong": ("status", lambda status: status not in ("running", "starting"))},
    )
)

UPSTREAMS = kinds.register(
    Kind(
        name="federation_upstreams",
        row=Upstream,
        ask=_upstreams,
        identity=("vhost", "name"),
        vocabulary=Vocabulary.of(
            (
                *_PLACE,
                Field("links", "number", ("links",), _("links that run by it")),
                Field("down", "number", ("down",), _("links that do not run: down>0")),
                Field("definition", "table", ("definition",), _("how it is reached: definition.max-hops:1")),
            ),
            {},
            has_patterns=True,
            has_colons=True,
        ),
        sorts={
            "name": ("name", "vhost"),
            "vhost": ("vhost", "name"),
            "links": ("links", "name", "vhost"),
            "down": ("down", "name", "vhost"),
        },
        default_sort="name",
    )
)

SETS = kinds.register(
    Kind(
        name="federation_sets",
        row=UpstreamSet,
        ask=_sets,
        identity=("vhost", "name"),
        vocabulary=Vocabulary.of(_PLACE, {}, has_patterns=True, has_colons=True),
        sorts={"name": ("name", "vhost"), "vhost": ("vhost", "name")},
        default_sort="name",
    )
)
