"""Stop or start many consumers of a broker in one act: each is audited by itself, and the act as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import ngettext

from consumers.definitions import definitions
from consumers.definitions.definitions import Conflict
from consumers.models import Consumer
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor

Act = Literal["stop", "start"]
Desired = Consumer.Desired


@dataclass(frozen=True)
class Done:
    """How it went: `overtaken` were changed by somebody else in between and left as they are."""

    names: list[str]
    overtaken: list[str]


def chosen(act: Act, consumers: Sequence[Consumer], *, collectors: bool) -> list[Consumer]:
    """Return those of `consumers` that the act is about: to stop, what is told to run or to pause; to start, what
    is stopped. Collectors, which capture dead letters, only where they are asked for.
    """
    return [
        row
        for row in consumers
        if (row.desired == Desired.STOPPED) == (act == "start") and (collectors or not row.is_collector)
    ]


def carry_out(act: Act, consumers: Sequence[Consumer], *, broker: str, expect: int, by: Actor) -> Done:
    """Stop or start each of `consumers`, as `chosen` returned them.

    Raises Conflict, and does nothing, unless they are `expect`, the number that the person saw.
    """
    service = definitions.stop if act == "stop" else definitions.start
    done = Done([], [])
    with audit.act(by=by, action=f"consumer.{act}_all", broker=broker, count=len(consumers)) as entry:
        entry.detail = {"expected": expect}
        if len(consumers) != expect:
            raise Conflict(_counted_again(act, len(consumers)), "count_changed")
        for consumer in consumers:
            try:
                service(consumer=consumer, by=by)
            except Conflict:
                done.overtaken.append(consumer.name)
            else:
                done.names.append(consumer.name)
        entry.count = len(done.names)
        entry.detail |= {"done": done.names, "overtaken": done.overtaken}
    return done


def on_each(act: Act, consumers: Sequence[Consumer], *, expect: int, by: Actor) -> Done:
    """Do the same with the consumers of several brokers: on each it is an act of its own.

    Raises Conflict, and does nothing, unless they are `expect`.
    """
    if len(consumers) != expect:
        raise Conflict(_counted_again(act, len(consumers)), "count_changed")
    done = Done([], [])
    for broker in dict.fromkeys(row.broker for row in consumers):
        own = [row for row in consumers if row.broker == broker]
        part = carry_out(act, own, broker=broker, expect=len(own), by=by)
        done.names.extend(part.names)
        done.overtaken.extend(part.overtaken)
    return done


def _counted_again(act: Act, count: int) -> str:
    if act == "stop":
        text = ngettext(
            "It is %(n)d consumer now that would be stopped. Look again, then decide.",
            "It is %(n)d consumers now that would be stopped. Look again, then decide.",
            count,
        )
    else:
        text = ngettext(
            "It is %(n)d consumer now that would be started. Look again, then decide.",
            "It is %(n)d consumers now that would be started. Look again, then decide.",
            count,
        )
    return text % {"n": count}
