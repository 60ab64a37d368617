"""Acts whose effects are computed, where these are so large that a second person must agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mqadmin.administration.acting.changing import Change
from mqadmin.administration.effects import touched
from mqadmin.administration.effects import words as effect_words
from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, Foretold
from mqadmin.approvals.gate.size import Size, limit_of
from mqadmin.core.acts.audit import Actor
from mqadmin.rabbit.effects.effect import Effect, Level, Statement

# Which number of a statement says how many messages leave their queue.
_MESSAGES = {
    "deleted": "messages",
    "purged": "messages",
    "dropped": "count",
    "dead_lettered": "count",
    "perhaps_dropped": "count",
    "queue_expires": "messages",
}


def ask(
    act: Change,
    *,
    by: Actor,
    action: str,
    broker: str,
    summary: str,
    arguments: Mapping[str, Any],
    values: Mapping[str, Any],
) -> None:
    """Return where the act may go on; else it is kept, with what it would do. Raises Awaits, Outgrown, RabbitError.

    `arguments`: what its service is called with again; `values`: what its effects are computed from.
    """
    if not gate.concerns(broker, by):
        return
    effect = touched.effect(broker, action, values) or Effect()
    asked = Asked(
        action,
        broker,
        summary,
        {"broker": broker, **arguments},
        _size(broker, effect),
        vhost=str(values.get("vhost", "")),
        foretell=lambda: foretold(effect),
    )
    gate.ask(asked, by=by, entry=act.entry)


def _size(broker: str, effect: Effect) -> Size:
    """Return how large an effect is. Messages that nobody can count are as many as need a second person."""
    found, limit = size_of(effect), limit_of(broker)
    if limit is None or not any(map(_is_unknown, effect.statements)):
        return found
    return Size(max(found.messages, limit.messages), found.objects)


def _is_unknown(item: Statement) -> bool:
    name = _MESSAGES.get(item.code)
    return item.level == "loses" and name is not None and item.params.get(name) is None


def size_of(effect: Effect) -> Size:
    """Return how large an effect is: messages that leave their queues, and the queues and exchanges that lose
    something. What only has to be known counts for nothing."""
    messages = sum(map(_messages, effect.statements))
    queues = {item.queue for item in effect.statements if item.queue and item.level in ("loses", "stops")}
    gone = {item.queue for item in effect.queues if item.after is None}
    unroutable = sum(item.code == "unroutable" for item in effect.statements)
    return Size(messages, len(queues | gone) + len(effect.exchanges_gone) + unroutable)


def _messages(item: Statement) -> int:
    if item.code == "queue_expires" and item.level != "loses":
        return 0
    return int(item.params.get(_MESSAGES.get(item.code, ""), 0) or 0)


def foretold(effect: Effect) -> list[Foretold]:
    """Return an effect in sentences, the worst first."""
    return [Foretold(item.level, effect_words.sentence(item)) for item in effect.statements]


def told(action: str, broker: str, values: dict[str, Any]) -> list[tuple[Level, str]]:
    """Return what an act with these values would do: (level, sentence) each. Raises RabbitError."""
    effect = touched.effect(broker, action, values)
    return [] if effect is None else [*foretold(effect)]


def warning(action: str, broker: str, values: Mapping[str, Any], by: Actor) -> str:
    """Return what a dialog says of an act that would wait, "" of others. Raises RabbitError, Refusal."""
    if not gate.concerns(broker, by) or not kinds.is_known(action):
        return ""
    effect = touched.effect(broker, action, values)
    return "" if effect is None else gate.warning(action, broker, _size(broker, effect), by)
