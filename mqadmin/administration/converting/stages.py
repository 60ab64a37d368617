"""How far a conversion is: its steps, what became of each, and how many messages are in which queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db.models import QuerySet

from mqadmin.core import brokers, patience
from mqadmin.core.models import Operation
from mqadmin.core.rights import asking
from mqadmin.rabbit import amqp
from mqadmin.rabbit.errors import NotFound, RabbitError

KIND = "queues.convert"
NAMES = (
    "pause",
    "finish",
    "make_temporary",
    "move_out",
    "replace",
    "unbind_temporary",
    "move_back",
    "delete_temporary",
    "resume",
)
State = Literal["done", "now", "failed", "waiting"]


@dataclass(frozen=True)
class Step:
    """One step: its name, and whether it is done, at work, where the conversion ended, or yet to come."""

    name: str
    state: State


@dataclass(frozen=True)
class Place:
    """A queue of a conversion: how many messages are ready in it, None where there is none, or it is not known.

    `is_there` None: the broker did not say.
    """

    name: str
    is_there: bool | None
    ready: int | None = None


def of_queue(slug: str, vhost: str, name: str) -> QuerySet[Operation]:
    """Return the conversions of a queue, whoever began them, the newest first: two must not be at it at once."""
    with asking.asks(None):
        return Operation.objects.filter(kind=KIND, broker=slug, params__vhost=vhost, params__name=name)


def at(operation: Operation) -> int:
    """Return how many steps are done."""
    return int(operation.params.get("cursor", {}).get("step", operation.params["from"]))


def is_noted(operation: Operation) -> bool:
    """Tell whether it is kept what the queue was bound with right before it went."""
    return bool("bindings" in operation.params.get("cursor", {}) or operation.params.get("noted"))


def newer(operation: Operation) -> Operation | None:
    """Return the operation that went on with this one or undid it, the newest of them."""
    with asking.asks(None):  # somebody else may have been first
        same = Operation.objects.filter(kind=KIND, params__temporary=operation.params["temporary"])
        return same.filter(pk__gt=operation.pk).first()


def may_go_on(operation: Operation) -> bool:
    """Tell whether it ended before its end, and nothing went on with it."""
    return (
        operation.status in (Operation.Status.FAILED, Operation.Status.CANCELLED) and newer(operation) is None
    )


def may_undo(operation: Operation) -> bool:
    """Tell whether it has ended, and nothing went on with it."""
    return operation.status not in Operation.OPEN and newer(operation) is None


def is_undoing(operation: Operation) -> bool:
    return str(operation.params["wanted"]["type"]) == "classic"


def steps(operation: Operation) -> Sequence[Step]:
    """Return the steps with what became of each; `finish` alone where something is to be finished."""
    done, found = at(operation), []
    current: State = "now" if operation.status in Operation.OPEN else "failed"
    for number, name in enumerate(NAMES):
        if name == "finish" and not operation.params.get("finish"):
            continue
        found.append(Step(name, "done" if number < done else current if number == done else "waiting"))
    if not any(step.state in ("now", "failed") for step in found) and done < len(NAMES):
        first = next(index for index, step in enumerate(found) if step.state == "waiting")
        found[first] = Step(found[first].name, current)
    return found


def places(operation: Operation) -> tuple[Place, Place]:
    """Return the queue and its temporary queue as they are this instant, asked of the broker."""
    given = operation.params
    return _place(operation, given["name"]), _place(operation, given["temporary"])


def _place(operation: Operation, name: str) -> Place:
    try:
        config = brokers.config(operation.broker)
        with patience.asking(config.slug):
            return Place(name, True, amqp.counts(config, operation.params["vhost"], name)[0])
    except NotFound:
        return Place(name, False)
    except RabbitError:
        return Place(name, None)
