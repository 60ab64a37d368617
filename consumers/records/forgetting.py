"""Which records are too old or too many: whole parts where there are some, else rows in steps."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import ProgrammingError, connection
from django.db.models import QuerySet

from consumers.models import Consumer, ConsumerMinute, HandledKey, Record
from consumers.records import parts
from consumers.records.parts import Part
from mqadmin.core.rows.deleting import Steps, oldest_while

SLACK = 10  # a part that is too much in part stays until it is so as a whole, if it is no more than a tenth of all

# From one to the next along the index: to read all that it holds would take minutes.
_OWNERS = """
    WITH RECURSIVE owners(id) AS (
        SELECT min(consumer_id) FROM {table}
        UNION ALL
        SELECT (SELECT min(consumer_id) FROM {table} WHERE consumer_id > owners.id)
        FROM owners WHERE id IS NOT NULL
    ) SELECT id FROM owners WHERE id IS NOT NULL"""

log = logging.getLogger("mqadmin.records")


def forget(oldest: datetime, most: int, steps: Steps, days: float) -> int:
    """Delete records from before `oldest`, and the oldest beyond `most`, as long as `steps` go on. Return how many.

    Parts go as a whole once their last record was written before `oldest`, so a record may be kept a day longer.
    Rows go one by one from the part that is written, and from one that was written for long, as the first of an
    installation from before there were parts. `days`: how long records are kept.
    """
    if not parts.are_there():
        gone = oldest_while(Record.objects.filter(started_at__lt=oldest), steps)
        floor = _surplus(most)
        return gone if floor is None else gone + oldest_while(Record.objects.filter(id__lte=floor), steps)
    try:
        parts.keep_up(days, most)
    except ProgrammingError as error:  # it may not: then all stays in one part, and rows are deleted
        log.warning("retention: no parts of records can be made: %s", str(error).strip())
    return _by_age(oldest, steps, timedelta(days=days)) + _by_number(most, steps)


def forget_deleted(steps: Steps) -> int:
    """Delete the records of consumers that were deleted, as long as `steps` go on. Return how many."""
    gone = 0
    for consumer in _deleted(Record):
        rows = Record.objects.filter(consumer_id=consumer)
        gone += oldest_while(rows, steps, among=rows)
    return gone


def forget_beside_deleted(steps: Steps) -> None:
    """Delete the counters and the dedupe keys of consumers that were deleted, as long as `steps` go on."""
    for consumer in _deleted(ConsumerMinute):
        _in_order(ConsumerMinute.objects.filter(consumer_id=consumer).order_by("minute"), steps)
    for consumer in _deleted(HandledKey):
        _in_order(HandledKey.objects.filter(consumer_id=consumer).order_by("key"), steps)


def _deleted(model: type[Record | ConsumerMinute | HandledKey]) -> set[int]:
    """Return the consumers of rows of a table that are not there any more."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS.format(table=model._meta.db_table))
        owners = {int(row[0]) for row in cursor.fetchall()}
    return owners.difference(Consumer.objects.values_list("id", flat=True))  # read after the rows


def _in_order(rows: QuerySet[Any], steps: Steps) -> None:
    """Delete rows in the order that their index has behind the consumer: by ids all of them would be sorted."""
    while steps.goes_on and (ids := list(rows.values_list("id", flat=True)[: steps.size])):
        steps.delete(rows.model._default_manager.filter(id__in=ids))


def _by_age(oldest: datetime, steps: Steps, kept: timedelta) -> int:
    gone = 0
    for part in parts.all_parts():
        rows = _of(part)
        if not rows.order_by("id").exists():
            if part.number and not part.is_written:
                parts.drop(part)
        elif part.until and part.until <= oldest:
            gone += _drop(part)
        elif part.is_written or _is_long(part, kept):
            gone += oldest_while(rows.filter(started_at__lt=oldest), steps, among=rows)
        else:
            break  # what it was given last is not old yet: it goes as a whole
    return gone


def _by_number(most: int, steps: Steps) -> int:
    if sum(last - first + 1 for first, _began, last in parts.spans()) <= most:
        return 0  # by their ids there cannot be more: to count them takes long
    counts = {part: _of(part).count() for part in parts.all_parts()}
    surplus, gone = sum(counts.values()) - most, 0
    for part, count in counts.items():
        if surplus <= 0:
            break
        if not count:
            continue
        if count <= surplus and not part.is_written:
            if not _drop(part):
                break
            gone += count
            surplus -= count
            continue
        if part.is_written or count > most // SLACK:
            floor = _of(part).order_by("id").values_list("id", flat=True)[min(surplus, count) - 1]
            gone += oldest_while(_of(part).filter(id__lte=floor), steps, among=_of(part))
        break
    return gone


def _is_long(part: Part, kept: timedelta) -> bool:
    """Whether its first records would be kept for much longer than was said until it can go as a whole."""
    if part.since is None or part.until is None:
        return True
    return part.until - part.since > 2 * min(parts.DAY, kept / parts.SHARE)


def _of(part: Part) -> QuerySet[Record]:
    return Record.objects.filter(id__range=part.ids)


def _drop(part: Part) -> int:
    """Return how many records are gone with it, by their ids: to count them takes longer than to drop them."""
    ids = _of(part).order_by("id").values_list("id", flat=True)
    first, last = ids.first(), ids.last()
    if first is None or last is None or not parts.drop(part):
        return 0
    return last - first + 1


def _surplus(most: int) -> int | None:
    """Return the newest id that is one too many, None where there are not too many."""
    ids = Record.objects.order_by("id").values_list("id", flat=True)
    first, last = ids.first(), ids.last()
    if first is None or last is None or last - first < most:
        return None
    surplus = Record.objects.count() - most
    return ids[surplus - 1] if surplus > 0 else None
