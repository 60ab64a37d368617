"""The API's calls for feature flags and deprecated features."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from mqadmin.administration.flags import acts
from mqadmin.administration.flags.lists import DEPRECATED, FLAGS
from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Body, a_broker

router = Router(tags=["feature flags and upgrades"], auth=VIEW.of("broker"))


class FlagOut(Schema):
    """A feature flag: `state` enabled, disabled, unavailable or state_changing; `stability` stable, required or
    experimental. `migrates`: enabling it moves data, null where the version does not tell."""

    name: str
    state: str
    stability: str
    about: str
    provided_by: str
    doc_url: str
    level: str
    migrates: bool | None


class FlagList(Listed):
    items: list[FlagOut]


class DeprecatedOut(Schema):
    """A deprecated feature: `phase` permitted_by_default, denied_by_default, disconnected or removed."""

    name: str
    phase: str
    state: str
    used: bool | None
    about: str
    provided_by: str
    doc_url: str


class DeprecatedList(Listed):
    items: list[DeprecatedOut]


class FlagNamed(Body):
    broker: str = ""
    name: str


class AllFlags(Body):
    broker: str = ""


class Enabled(Schema):
    names: list[str]


@router.get("/feature-flags", response=FlagList)
def flag_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List feature flags: `q` as `state:disabled stability:stable`."""
    return page(FLAGS, wanted, asdict)


@router.post("/feature-flags/enable", response={204: None}, auth=CONFIGURE.of("broker"))
def flag_enable(request: HttpRequest, wanted: FlagNamed) -> Status[None]:
    """Enable a feature flag for good. 404 for none of that name, 409 `enabled`, 409 in the broker's words."""
    acts.enable(broker=a_broker(wanted.broker), by=audit.actor(request), name=wanted.name)
    return Status(204, None)


@router.post("/feature-flags/enable-all", response=Enabled, auth=CONFIGURE.of("broker"))
def flag_enable_all(request: HttpRequest, wanted: AllFlags) -> dict[str, Any]:
    """Enable all stable feature flags for good. 409 `none` where all are."""
    return {"names": acts.enable_all(broker=a_broker(wanted.broker), by=audit.actor(request))}


@router.get("/deprecated-features", response=DeprecatedList)
def deprecated_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List deprecated features: `q` as `is:used`. 503 `not_offered` before RabbitMQ 3.13."""
    return page(DEPRECATED, wanted, asdict)
