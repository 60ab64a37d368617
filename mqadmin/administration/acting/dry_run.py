"""What an act would do, as its call returns it with `dry_run`: nothing is changed, and nothing is written down.

An act whose effects are known takes part by two things: what it takes inherits `DryRun`, and its call is
`@dry_run(ACTION, status)` between the router and the function. Both are the same for a body and an address.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema, Status
from pydantic import Field

from mqadmin.administration.acting.changing import refused
from mqadmin.administration.effects import touched
from mqadmin.administration.effects import words as effect_words
from mqadmin.core import permissions
from mqadmin.core.api.plumbing import ApiError, a_broker
from mqadmin.rabbit.effects.effect import Effect, QueueEffect
from mqadmin.rabbit.effects.effective import Applied
from mqadmin.rabbit.errors import RabbitError

W = TypeVar("W", bound="DryRun")


class DryRun(Schema):
    """What a call takes besides, where its effects are known."""

    dry_run: bool = Field(False, description="Change nothing; answer 200 with what it would do.")


class StatementOut(Schema):
    """One thing that the act would do. `level`: loses (messages), stops, unknown, tells; `code` for programs, with
    `params`; `text` for people; `queue`: "" for one that is of no queue."""

    code: str
    level: str
    queue: str
    text: str
    params: dict[str, Any]


class PoliciesOut(Schema):
    """The policies of a queue: "" where none applies; `unclear`: of these one does, or none."""

    policy: str
    operator_policy: str
    definition: dict[str, Any]
    unclear: list[str]


class QueueEffectOut(Schema):
    """What becomes of one queue. `before` null: it is made; `after` null: it goes. `ready`, `consumers`: after it,
    null where that cannot be told."""

    queue: str
    type: str
    before: PoliciesOut | None
    after: PoliciesOut | None
    ready: int | None
    consumers: int | None


class EffectOut(Schema):
    """What an act would do, by what the broker tells now; numbers of messages are up to five seconds old.

    `worst`: the level of the first statement, "" where nothing is touched; `is_refused`: the broker would say no.
    """

    worst: str
    is_refused: bool
    statements: list[StatementOut]
    queues: list[QueueEffectOut]


def answers(status: int) -> dict[int, Any]:
    """Return what such a call answers, for `response=`."""
    return {200: EffectOut, status: None}


Tell = Callable[[str, str, Mapping[str, Any]], dict[str, Any] | None]
"""Given broker, action and values: what the act would do, as EffectOut; None where too little is given."""


def dry_run(
    action: str | Callable[[Any], str], tell: Tell | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a call tell what it would do, and not do it, where `dry_run` asks for that.

    `action`: the act's name in the audit log, or what makes it of what the call takes. `tell`: who knows, where it
    is not `effects.touched`. Refusal: in the broker's words; ApiError 422 `no_effect` where it is not known what so
    little would do.
    """

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def instead(request: HttpRequest, wanted: Any) -> Any:
            if not wanted.dry_run:
                return call(request, wanted)
            name = action if isinstance(action, str) else action(wanted)
            values = {key: item for key, item in wanted.dict().items() if key != "dry_run"}
            return Status(200, told(name, values, tell or of_definitions))

        # Ninja reads the names of types where a function is written, which is here: so give it the types.
        instead.__signature__ = inspect.signature(call, eval_str=True)  # type: ignore[attr-defined]
        return instead

    return around


def told(action: str, values: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Return what an act with these values would do. Asks the broker."""
    slug = a_broker(values["broker"])
    if "vhost" in values:
        permissions.require(slug, values["vhost"])
    try:
        found = tell(slug, action, values)
    except RabbitError as error:
        refusal = refused(error)
        if refusal is None:
            raise
        raise refusal from error
    if found is None:
        raise ApiError(422, "no_effect", _("What that would do cannot be told: too little is given."))
    return found


def of_definitions(broker: str, action: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what becomes of messages, routes and queues (`EffectOut`), None where too little is given."""
    effect = touched.effect(broker, action, values)
    return None if effect is None else _out(effect)


def _out(effect: Effect) -> dict[str, Any]:
    return {
        "worst": effect.worst or "",
        "is_refused": effect.is_refused,
        "statements": [
            {
                "code": item.code,
                "level": item.level,
                "queue": item.queue,
                "text": effect_words.sentence(item),
                "params": dict(item.params),
            }
            for item in effect.statements
        ],
        "queues": [_queue(item) for item in effect.queues],
    }


def _queue(item: QueueEffect) -> dict[str, Any]:
    return {
        "queue": item.queue,
        "type": item.type,
        "before": _applied(item.before),
        "after": _applied(item.after),
        "ready": item.ready,
        "consumers": item.consumers,
    }


def _applied(item: Applied | None) -> dict[str, Any] | None:
    if item is None:
        return None
    return {
        "policy": item.policy,
        "operator_policy": item.operator_policy,
        "definition": dict(item.definition),
        "unclear": list(item.unclear),
    }
