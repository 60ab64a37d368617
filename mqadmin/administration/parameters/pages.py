"""What is shown of parameters: a row of their list; where the acts of those are that plugins read."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mqadmin.administration.listed.naming import address
from mqadmin.administration.listed.pairs import Pairs, pairs
from mqadmin.administration.parameters.lists import Row as ParameterItem
from mqadmin.core.tones import Tone
from mqadmin.rabbit.administration import federation, shovels

STATES: dict[str, Tone] = {
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
class ParameterRow:
    """A row of the list of parameters. `there`: where it is better looked at, "" for here."""

    value: Pairs
    text: str
    there: str
    acts: Acts


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
