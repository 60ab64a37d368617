"""The API's calls for parameters, without their secrets."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.parameters import acts
from mqadmin.administration.parameters.lists import PARAMETERS, Row
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker

router = Router(tags=["policies and parameters"], auth=VIEW.of("vhost"))


class ParameterOut(Schema):
    """One parameter; `vhost` and `component` are "" of a global one. `•••` stands for each secret of `value`."""

    vhost: str
    component: str
    name: str
    value: Any


class ParameterList(Listed):
    items: list[ParameterOut]


class ParameterIn(Body):
    """A parameter to set. `•••` in `value` keeps the secret that is there; `only_new`: refuse to replace one."""

    broker: str = ""
    vhost: str = ""
    component: str = ""
    name: str
    value: Any
    only_new: bool = False


class ParameterNamed(Asked):
    """Which parameter."""

    broker: str = ""
    vhost: str = ""
    component: str = ""
    name: str


@router.get("/parameters", response=ParameterList)
def parameter_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List parameters of virtual hosts and global ones: `q` as `component:shovel`, `is:global`."""
    return page(PARAMETERS, wanted, _out)


@router.put("/parameters", response={204: None}, auth=CONFIGURE.of("vhost"))
def parameter_set(request: HttpRequest, wanted: ParameterIn) -> Status[None]:
    """Set a parameter; 409 in the broker's words, which repeat no secret."""
    values = wanted.dict()
    acts.put(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/parameters", response={204: None}, auth=CONFIGURE.of("vhost"))
def parameter_delete(request: HttpRequest, wanted: Query[ParameterNamed]) -> Status[None]:
    """Delete a parameter; 404 where there is none of that name."""
    values = wanted.dict()
    acts.delete(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


def _out(item: Row) -> dict[str, Any]:
    return {
        "vhost": item.vhost,
        "component": item.component,
        "name": item.name,
        "value": json.loads(item.value),
    }
