"""What is shown of federation: rows of its lists, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.listed.naming import address
from mqadmin.administration.listed.pairs import Pairs, pairs
from mqadmin.administration.listed.places import exchange_href
from mqadmin.administration.parameters.pages import STATES, Acts
from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.rabbit.administration import federation
from mqadmin.rabbit.administration.federation import Link, Upstream, UpstreamSet


@dataclass(frozen=True)
class LinkRow:
    """A row of the list of links. `href`: of the exchange or the queue."""

    words: str
    tone: Tone
    href: str
    remote: str
    acts: Acts


@dataclass(frozen=True)
class UpstreamRow:
    """A row of the list of upstreams."""

    uri: str
    words: str
    tone: Tone
    settings: Pairs
    acts: Acts


@dataclass(frozen=True)
class SetRow:
    """A row of the list of sets."""

    members: list[str]
    acts: Acts


def link_row(broker: str, item: Link) -> LinkRow:
    """Return what the list draws of a link."""
    words = {
        "running": _("runs"),
        "starting": _("connects"),
        "error": _("down, connects again"),
        "shutdown": _("down"),
    }.get(item.status, item.status or _("not known"))
    href = (
        exchange_href(broker, item.vhost, item.name)
        if item.type == "exchange"
        else address("queue_named", broker, vhost=item.vhost, name=item.name)
    )
    restart = address(
        "federation_link_restart", broker, vhost=item.vhost, id=item.id, node=item.node, name=item.name
    )
    remote = item.remote if item.remote != item.name else ""
    return LinkRow(
        words, STATES.get(item.status, "grey"), href, remote, Acts(restart=restart if item.id else "")
    )


def upstream_row(broker: str, item: Upstream) -> UpstreamRow:
    """Return what the list draws of an upstream."""
    names = {"vhost": item.vhost, "name": item.name}
    uri = item.definition.get("uri", "")
    words, tone = _links(item.links, item.down)
    return UpstreamRow(
        ", ".join(map(str, uri)) if isinstance(uri, list) else str(uri),
        words,
        tone,
        pairs({key: value for key, value in item.definition.items() if key != "uri"}),
        Acts(
            address("federation_upstream_edit", broker, **names),
            address("federation_upstream_delete", broker, **names),
        ),
    )


def _links(links: int | None, down: int | None) -> tuple[str, Tone]:
    if links is None or down is None:
        return _("not told: %(plugin)s is not enabled") % {"plugin": federation.STATUS_PLUGIN}, "grey"
    if down:
        text = ngettext("%(n)s link is down", "%(n)s links are down", down)
        return text % {"n": number(down)}, "red"
    if links:
        return ngettext("%(n)s link runs", "%(n)s links run", links) % {"n": number(links)}, "green"
    return _("no link: no policy that applies names it"), "grey"


def set_row(broker: str, item: UpstreamSet) -> SetRow:
    """Return what the list draws of a set."""
    names = {"vhost": item.vhost, "name": item.name}
    members = [
        str(member.get("upstream", "")) if isinstance(member, Mapping) else str(member)
        for member in item.members
    ]
    return SetRow(
        members,
        Acts(
            address("federation_set_edit", broker, **names), address("federation_set_delete", broker, **names)
        ),
    )
