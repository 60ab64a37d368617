"""Dead letters: whether they get anywhere, and those that wait in a dead-letter queue; what only waits its time."""

from __future__ import annotations

from mqadmin.queues.health.facts import BROKEN, IDLE, OK, WATCH, QueueFacts, Reason, View, reason


def lost(facts: QueueFacts) -> list[Reason]:
    """Say that its dead letters vanish."""
    if not facts.dead_letter_fault:
        return []
    return [reason(BROKEN, "dead_letters_lost", fault=facts.dead_letter_fault)]


def waiting(view: View) -> list[Reason]:
    """Say of a dead-letter queue what is in it."""
    facts = view.facts
    if not facts.is_inbox:
        return []
    if facts.tracked:
        return [reason(OK, "captured")]
    if not facts.ready:
        return []
    arrived = view.memory.arrived_since(view.now - 3600)
    source = facts.inbox_of[0] if len(facts.inbox_of) == 1 else ""
    if arrived:
        return [reason(WATCH, "letters_arriving", count=arrived, waiting=facts.ready, source=source)]
    return [reason(WATCH, "letters_waiting", waiting=facts.ready, source=source)]


def delayed(view: View) -> list[Reason]:
    """Say what waits for a delayed retry."""
    return [reason(OK, "delayed", count=view.facts.delayed)] if view.facts.delayed else []


def quiet(view: View, told: bool) -> list[Reason]:
    """Return what to say of a queue that has no trouble; `told`: something else is said of it."""
    facts = view.facts
    if facts.is_delay:
        return [reason(IDLE, "delay", ms=facts.delay_ms)]
    if facts.type == "stream" and not told:
        return [reason(OK, "stream")]
    since = view.memory.active_at or view.memory.idle_at
    if told or since is None or not view.idle:
        return []
    return [reason(IDLE, "idle", since)]
