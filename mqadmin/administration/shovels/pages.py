"""What is shown of shovels: a row of their list, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.listed.naming import address
from mqadmin.administration.parameters.pages import STATES, Acts
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.rabbit.administration import shovels
from mqadmin.rabbit.administration.shovels import Shovel


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
        STATES.get(item.state, "grey"),
        end(item.definition, "src"),
        end(item.definition, "dest"),
        prose.clause(told),
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
