"""The API's calls for limits of virtual hosts and users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.acting.dry_run import DryRun, answers, dry_run, of_definitions
from mqadmin.administration.limits import acts
from mqadmin.administration.limits.lists import LIMITS
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.permissions import shut_out
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker

router = Router(tags=["virtual hosts, users and rights"], auth=VIEW.of("vhost"))


class LimitOut(Schema):
    """One limit; a negative value is none."""

    of: str
    name: str
    limit: str
    value: int


class LimitList(Listed):
    items: list[LimitOut]


class LimitIn(Body, DryRun):
    """A limit of a virtual host (`max-connections`, `max-queues`) or a user (`max-connections`, `max-channels`)."""

    broker: str = ""
    of: Literal["vhost", "user"]
    name: str
    limit: str
    value: int


class LimitNamed(Asked):
    """Which limit."""

    broker: str = ""
    of: Literal["vhost", "user"]
    name: str
    limit: str


@router.get("/limits", response=LimitList)
def limit_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List the limits of virtual hosts and users: `q` as `of:user limit:max-connections`."""
    return page(LIMITS, wanted, asdict)


def _told(slug: str, action: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    tell = shut_out.told if values["of"] == "user" else of_definitions
    return tell(slug, action, {**values, values["of"]: values["name"]})


@router.put("/limits", response=answers(204), auth=CONFIGURE.of("broker"))
@dry_run(lambda wanted: acts.set_action(wanted.of), _told)
def limit_set(request: HttpRequest, wanted: LimitIn) -> Status[None]:
    """Set a limit; what is over it already stays. 409 `own_account` for mqadmin's own user."""
    values = wanted.dict(exclude={"dry_run"})
    acts.put(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)


@router.delete("/limits", response={204: None}, auth=CONFIGURE.of("broker"))
def limit_clear(request: HttpRequest, wanted: Query[LimitNamed]) -> Status[None]:
    """Take a limit away; 404 where it is not set."""
    values = wanted.dict()
    acts.clear(by=audit.actor(request), **{**values, "broker": a_broker(values["broker"])})
    return Status(204, None)
