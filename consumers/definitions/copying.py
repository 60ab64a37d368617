"""A consumer like another: stopped, under a name that is free."""

from __future__ import annotations

import re

from consumers.definitions import definitions
from consumers.definitions.definitions import FIELDS, Invalid
from consumers.models import Consumer
from mqadmin.core.acts.audit import Actor
from mqadmin.core.rights import asking

TRIES = 5  # for a name that somebody else may take at the same moment
_LONGEST = Consumer._meta.get_field("name").max_length or 60


def free_name(name: str) -> str:
    """Return the name of a copy: "orders-2" of orders, "orders-3" of that; the first that no consumer has."""
    base, _dash, number = name.rpartition("-")
    if not (base and re.fullmatch(r"[0-9]{1,6}", number)):
        base, number = name, "1"
    with asking.asks(None):  # names are of all
        rows = Consumer.objects.filter(name__startswith=base[: _LONGEST - 8])
    taken = set(rows.values_list("name", flat=True))
    n = int(number) + 1
    while (found := f"{base[: _LONGEST - len(str(n)) - 1]}-{n}") in taken:
        n += 1
    return found


def duplicate(*, consumer: Consumer, by: Actor, name: str = "") -> Consumer:
    """Define a stopped consumer with all settings of `consumer`, its options whole; returns it.

    `name`: "" for one that is free. Raises Invalid; Conflict for a collector, as its queue has one already.
    """
    definitions.refuse_collector(consumer)
    fields = {field: getattr(consumer, field) for field in FIELDS}
    for left in reversed(range(1 if name else TRIES)):
        try:
            wanted = name or free_name(consumer.name)
            return definitions.copy(by=by, name=wanted, of=consumer.name, **fields)
        except Invalid as error:
            if not left or set(error.fields) != {"name"}:
                raise
    raise AssertionError("unreachable")
