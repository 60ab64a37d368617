"""The API's calls for what letters set off by themselves: rules that retry, breakers that pause a consumer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from pydantic import Field

from consumers.api.rows import find_consumer
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Body, a_broker, one
from mqadmin.deadletters.automatic import breaker, retries
from mqadmin.deadletters.models import Breaker, RetryRule

router = Router(tags=["dead letters"], auth=VIEW.of("rows"))

# The ids of these calls begin so since they had a module of their own: who generates a client keeps its names.
_ID = "mqadmin_deadletters_act_api"


class RuleFields(Schema):
    """A rule of a queue (`vhost`, `source`) or a cause (`group`); delays in seconds."""

    broker: str = ""
    vhost: str = Field("", max_length=255)
    source: str = Field("", max_length=255)
    group: str = Field("", max_length=32)
    is_on: bool = False
    at_most: int = 3
    first_delay: float = 60
    factor: float = 5
    max_delay: float = 86_400


class RuleIn(Body, RuleFields):
    """What to set: what is left out is as it is written here."""


class RuleOut(RuleFields):
    """A rule, and when it retries in words."""

    id: int
    words: str
    changed_by: str
    changed_at: datetime

    @staticmethod
    def resolve_words(obj: RetryRule) -> str:
        return retries.described(obj)


class RuleList(Schema):
    items: list[RuleOut]
    total: int
    next: str | None = None


class BreakerFields(Schema):
    """`letters` of one cause within `seconds` pause the consumer; one is tried after `rest_seconds`."""

    is_on: bool = False
    letters: int = 20
    seconds: float = 60
    rest_seconds: float = 300


class BreakerIn(Body, BreakerFields):
    """What to set: what is left out is as it is written here."""


class BreakerOut(BreakerFields):
    """A breaker: closed, open or trying, since when and why."""

    consumer: str
    state: str
    state_at: datetime | None
    group: str
    words: str

    @staticmethod
    def resolve_consumer(obj: Breaker) -> str:
        return obj.consumer.name


class BreakerList(Schema):
    items: list[BreakerOut]
    total: int
    next: str | None = None


@router.get("/retry-rules", response=RuleList, operation_id=f"{_ID}_rule_list")
def rule_list(request: HttpRequest) -> dict[str, Any]:
    """List the rules that retry letters."""
    items = list(RetryRule.objects.all())
    return {"items": items, "total": len(items)}


@router.post("/retry-rules", response=RuleOut, auth=CONFIGURE.of("rows"), operation_id=f"{_ID}_rule_save")
def rule_save(request: HttpRequest, wanted: RuleIn) -> RetryRule:
    """Make the rule of a queue or a cause, or change it where there is one; off unless `is_on`."""
    values = {**wanted.dict(), "broker": a_broker(wanted.broker)}
    return retries.save(by=audit.actor(request), **values)


@router.delete(
    "/retry-rules/{int:rule_id}",
    response={204: None},
    auth=CONFIGURE.of("rows"),
    operation_id=f"{_ID}_rule_delete",
)
def rule_delete(request: HttpRequest, rule_id: int) -> Status[None]:
    """Delete a rule; what it waits to do is not done."""
    rule = one(RetryRule.objects.filter(pk=rule_id), _("There is no rule %(id)s.") % {"id": rule_id})
    retries.delete(rule=rule, by=audit.actor(request))
    return Status(204, None)


@router.get("/breakers", response=BreakerList, operation_id=f"{_ID}_breaker_list")
def breaker_list(request: HttpRequest) -> dict[str, Any]:
    """List the circuit breakers of consumers."""
    items = list(Breaker.objects.select_related("consumer").order_by("consumer__name"))
    return {"items": items, "total": len(items)}


@router.post(
    "/consumers/{name}/breaker",
    response=BreakerOut,
    auth=CONFIGURE.of("rows"),
    operation_id=f"{_ID}_breaker_save",
)
def breaker_save(request: HttpRequest, name: str, wanted: BreakerIn) -> Breaker:
    """Set the circuit breaker of a consumer; off unless `is_on`."""
    return breaker.save(
        consumer=find_consumer(name),
        by=audit.actor(request),
        is_on=wanted.is_on,
        number=wanted.letters,
        seconds=wanted.seconds,
        rest=wanted.rest_seconds,
    )
