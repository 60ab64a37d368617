"""A query's tree -> a condition for the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, StrIndex
from django.db.models.lookups import GreaterThan

from mqadmin.core.query import values
from mqadmin.core.query.syntax import All, Condition, Either, Node, Not, Words, leaves
from mqadmin.queues.search import matching

EVERY = Q()
NONE = Q(pk__in=[])
_LOOKUPS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_TURNED = {"<": "gt", "<=": "gte", ">": "lt", ">=": "lte"}


def is_plain(node: Node) -> bool:
    """Whether the database answers all of `node`."""
    return not any(matching.needed(leaf) for leaf in leaves(node))


def condition(node: Node, now: datetime, look: Callable[[matching.Leaf], Q]) -> Q:
    """Return the condition for `node` at the moment `now`; `look` answers what the database does not.

    A number that the broker did not report is neither more nor less than any.
    """
    match node:
        case All(parts):
            where = EVERY
            for part in parts:
                where &= condition(part, now, look)
            return where
        case Either(parts):
            where = NONE
            for part in parts:
                found = condition(part, now, look)
                if found == EVERY:
                    return EVERY
                where |= found
            return where
        case Not(part):
            return _not(condition(part, now, look))
        case Words():
            return look(node) if matching.needed(node) else _contains("name", node.text)
        case Condition():
            found = look(node) if matching.needed(node) else _KINDS[node.field.kind](node, now)
            return _not(found) if node.operator == "!=" else found


def _not(found: Q) -> Q:
    if found == EVERY:
        return NONE
    return Q(pk__isnull=False) if found == NONE else ~found


def _contains(column: str, text: str) -> Q:
    if "\0" in text:
        return NONE  # no column holds one, and PostgreSQL refuses to look for it
    return Q(**{f"{column}__icontains": text}) if text else EVERY


def _name(node: Condition, now: datetime) -> Q:  # noqa: ARG001
    return NONE if "\0" in node.value.text else Q(**{node.field.columns[0]: node.value.text})


def _names(node: Condition, now: datetime) -> Q:  # noqa: ARG001
    """A reason's code, as both databases write it into the column."""
    if '"' in node.value.text or "\\" in node.value.text or "\0" in node.value.text:
        return NONE
    text = Cast(node.field.columns[0], TextField())
    return Q(GreaterThan(StrIndex(text, Value(f'"code": "{node.value.text}"')), Value(0)))


def _text(node: Condition, now: datetime) -> Q:  # noqa: ARG001
    return _contains(node.field.columns[0], node.value.text)


def _number(node: Condition, now: datetime) -> Q:  # noqa: ARG001
    lookup = _LOOKUPS.get(node.operator, "exact")
    return Q(**{f"{node.field.columns[0]}__{lookup}": node.value.number})


def _span(node: Condition, now: datetime) -> Q:
    seconds = float(node.value.number or 0)
    if node.field.name != "lag":
        return _number(node, now)
    # Since when, not for how long: the longer ago, the smaller.
    return Q(oldest_at__isnull=False, **{f"oldest_at__{_TURNED[node.operator]}": now.timestamp() - seconds})


def _moment(node: Condition, now: datetime) -> Q:
    if node.value.when is None:
        return NONE
    column, found = node.field.columns[0], EVERY
    start, end = values.bounds(node.operator, node.value.when, now)
    if start is not None:
        found &= Q(**{f"{column}__gte": start})
    if end is not None:
        found &= Q(**{f"{column}__lt": end})
    return found


def _choice(node: Condition, now: datetime) -> Q:
    text, column = node.value.text, node.field.columns[0]
    if node.field.name == "muted":
        return _muted(now) if text == "yes" else _not(_muted(now))
    if node.field.name == "tracked":
        return Q(tracked=text == "yes")
    return Q(**{column: text})


def _muted(now: datetime) -> Q:
    return Q(muted_until__isnull=False, muted_until__gt=now)


def _flag(node: Condition, now: datetime) -> Q:
    return {
        "inbox": Q(is_inbox=True),
        "delay": Q(is_delay=True),
        "unconsumed": Q(consumers=0),
        "tracked": Q(tracked=True),
        "muted": _muted(now),
        "owned": _not(Q(owner="")),
        "noted": _not(Q(note="")),
        "durable": Q(durable=True),
        "exclusive": Q(exclusive=True),
        "auto_delete": Q(auto_delete=True),
    }[node.value.text]


_KINDS: dict[str, Callable[[Condition, datetime], Q]] = {
    "name": _name,
    "names": _names,
    "text": _text,
    "number": _number,
    "real": _number,
    "span": _span,
    "moment": _moment,
    "choice": _choice,
    "flag": _flag,
}
