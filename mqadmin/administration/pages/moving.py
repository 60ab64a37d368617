"""What is shown of shovels and of federation, and of parameters: rows of lists, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.lists.parameters import Row as ParameterItem
from mqadmin.administration.pages.exchanges import href_of as exchange_href
from mqadmin.administration.pages.exchanges import pairs
from mqadmin.administration.pages.naming import address
from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.rabbit.administration import federation, shovels
from mqadmin.rabbit.administration.federation import Link, Upstream, UpstreamSet
from mqadmin.rabbit.administration.shovels import Shovel

Pairs = list[tuple[str, str]]
_STATES: dict[str, Tone] = {
    "running": "green",
    "flow": "amber",
    "blocked": "amber",
    "starting": "amber",
    "terminated": "red",
    "error": "red",
    "shutdown": "red",
}


@dataclass(frozen=True)
class Acts:
    """Where a row's dialogs are: "" for what it has not."""

    edit: str = ""
    delete: str = ""
    restart: str = ""


@dataclass(frozen=True)
class End:
    """One end of a shovel: its queue, exchange or address, and where that is, without passwords."""

    what: str
    kind: str
    uri: str


@dataclass(frozen=True)
class ShovelRow:
    """A row of the list of shovels."""

    words: str
    tone: Tone
    source: End
    target: End
    more: str
    acts: Acts


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


@dataclass(frozen=True)
class ParameterRow:
    """A row of the list of parameters. `there`: where it is better looked at, "" for here."""

    value: Pairs
    text: str
    there: str
    acts: Acts


def shovel_row(broker: str, item: Shovel) -> ShovelRow:
    """Return what the list draws of a shovel."""
    names = {"vhost": item.vhost, "name": item.name}
    own = item.type == "dynamic"
    told = [] if item.forwarded is None else [_("%(n)s moved") % {"n": number(item.forwarded)}]
    if item.pending:
        told.append(_("%(n)s in hand") % {"n": number(item.pending)})
    if item.remaining is not None:
        told.append(_("%(n)s to go") % {"n": number(item.remaining)})
    return ShovelRow(
        shovel_state(item.state),
        _STATES.get(item.state, "grey"),
        end(item.definition, "src"),
        end(item.definition, "dest"),
        ", ".join(told),
        Acts(
            address("shovel_edit", broker, **names) if own else "",
            address("shovel_delete", broker, **names) if own else "",
            address("shovel_restart", broker, **names) if own and item.state else "",
        ),
    )


def shovel_state(state: str) -> str:
    """Return the state of a shovel in words."""
    return {
        "running": _("runs"),
        "flow": _("runs, slowed by its destination"),
        "blocked": _("blocked: its destination takes nothing"),
        "starting": _("connects"),
        "terminated": _("stopped, connects again"),
        "": _("not told: %(plugin)s is not enabled") % {"plugin": shovels.STATUS_PLUGIN},
    }.get(state, state)


def end(definition: Mapping[str, Any], side: str) -> End:
    """Return one end of a shovel, "src" or "dest"."""
    uri = definition.get(f"{side}-uri", "")
    uris = ", ".join(map(str, uri)) if isinstance(uri, list) else str(uri)
    for kind, words in (("queue", _("queue")), ("exchange", _("exchange")), ("address", _("address"))):
        if found := definition.get(f"{side}-{kind}"):
            return End(str(found), words, uris)
    return End("", _("by each message's own address"), uris)


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
        words, _STATES.get(item.status, "grey"), href, remote, Acts(restart=restart if item.id else "")
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


def parameter_row(broker: str, item: ParameterItem) -> ParameterRow:
    """Return what the list draws of a parameter."""
    value = json.loads(item.value)
    names = {"vhost": item.vhost, "component": item.component, "name": item.name}
    views = {
        shovels.COMPONENT: "shovel_list",
        federation.UPSTREAM: "federation_upstream_list",
        federation.SET: "federation_set_list",
        "operator_policy": "policy_list",
        "policy": "policy_list",
    }
    there = address(views[item.component], broker) if item.component in views else ""
    own = not there and item.component != "vhost-limits"
    return ParameterRow(
        pairs(value) if isinstance(value, dict) else [],
        "" if isinstance(value, dict) else item.value,
        there,
        Acts(
            address("parameter_edit", broker, **names) if own else "",
            address("parameter_delete", broker, **names) if own else "",
        ),
    )
