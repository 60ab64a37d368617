"""The list of parameters: those of virtual hosts, and the global ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.parameters import masks
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import parameters
from mqadmin.rabbit.administration.parameters import Parameter
from mqadmin.rabbit.management_api.client import ManagementClient


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter as it is kept: its value is JSON, without secrets. `vhost` and `component` "" of a global one."""

    vhost: str
    component: str
    name: str
    value: str


def _listed(client: ManagementClient) -> Sequence[Row]:
    return [kept(item) for item in parameters.listed(client)]


def kept(item: Parameter) -> Row:
    """Return a parameter without its secrets."""
    value = json.dumps(masks.shown(item.name, item.value), ensure_ascii=False)
    return Row(item.vhost, item.component, item.name, value)


FIELDS = (
    Field("name", "name", ("name",), _("its name")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("component", "name", ("component",), _("whose it is: shovel, federation-upstream, …")),
    Field("value", "text", ("value",), _("a part of its value")),
    Field("is", "flag", (), _("global: of the whole broker"), ("global",)),
)
VOCABULARY = Vocabulary.of(FIELDS, {}, has_patterns=True, has_colons=True)

PARAMETERS = kinds.register(
    Kind(
        name="parameters",
        row=Row,
        ask=_listed,
        identity=("vhost", "component", "name"),
        vocabulary=VOCABULARY,
        sorts={
            "name": ("name", "vhost", "component"),
            "vhost": ("vhost", "component", "name"),
            "component": ("component", "vhost", "name"),
        },
        default_sort="component",
        words=("name", "component"),
        placed_by=("vhost", "component"),
        place=lambda vhost, component: (vhost if component else None, None),
        flags={"global": ("component", lambda component: not component)},
    )
)
