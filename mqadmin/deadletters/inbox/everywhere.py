"""The inbox of several brokers: what it shows of each, put together. Of one broker it is what that one has.

Each broker is asked by itself, along the indexes, which all begin with it; no broker's rows wait for another's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.db.models import QuerySet
from django.utils.functional import cached_property

from mqadmin.core.models import Operation
from mqadmin.deadletters.capture import uncaptured
from mqadmin.deadletters.capture.uncaptured import UncapturedQueue
from mqadmin.deadletters.inbox import inbox, lists, sparklines
from mqadmin.deadletters.inbox.sparklines import Drawn
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import facets, tally
from mqadmin.deadletters.search.selection import Filter

_FAR = 500  # letters that are passed over: from there on a page is found by their ids alone


class Letters:
    """The letters of several filters, newest first; counted without counting where that can be."""

    def __init__(self, wanted: Sequence[Filter], up_to: int) -> None:
        self._wanted, self._up_to = wanted, up_to
        self._parts = [lists.listed(item, up_to=up_to) for item in wanted]

    def count(self) -> int:
        """Return how many there are."""
        return self._count

    @cached_property
    def _count(self) -> int:
        return sum(self._counted(item, rows) for item, rows in zip(self._wanted, self._parts, strict=True))

    def _counted(self, wanted: Filter, rows: QuerySet[DeadLetter]) -> int:
        if wanted.columns is None:
            return rows.count()
        return max(0, tally.total(wanted.columns) - lists.newer(wanted, self._up_to))

    def __getitem__(self, part: slice) -> Sequence[DeadLetter]:
        """Return one page."""
        if len(self._parts) == 1 and part.start < _FAR:
            return list(self._parts[0][part])
        if (
            len(self._parts) == 1
        ):  # their ids are in an index; whole rows would be read only to be passed over
            wanted = list(self._ids(self._parts[0], part))
        else:
            newest = [pk for rows in self._parts for pk in self._ids(rows, slice(part.stop))]
            wanted = sorted(newest, reverse=True)[part]
        known = DeadLetter.objects.only(*lists.LIST_FIELDS).in_bulk(wanted)
        found = [known[pk] for pk in wanted if pk in known]
        masking.hide_in_errors(found)
        return found

    def _ids(self, rows: QuerySet[DeadLetter], part: slice) -> Iterable[int]:
        ids = getattr(rows, "ids", None)
        return ids[part] if ids is not None else rows.values_list("pk", flat=True)[part]


def newer(wanted: Sequence[Filter], than: int) -> int:
    """Return how many letters that match came after letter `than`."""
    return sum(lists.newer(item, than) for item in wanted)


def causes(wanted: Sequence[Filter]) -> list[Drawn]:
    """Return the causes with what the last day brought, the most frequent first; one that several brokers have is
    one, told as its newest letter has it."""
    found = [sparklines.drawn(item.broker, inbox.causes(item)) for item in wanted]
    if len(found) == 1:
        return found[0]
    by_group: dict[str, Drawn] = {}
    for cause in (cause for causes in found for cause in causes):
        before = by_group.get(cause.group)
        by_group[cause.group] = cause if before is None else _both(before, cause)
    order = sorted(by_group.values(), key=lambda cause: (-cause.count, -cause.last_at.timestamp()))
    return order[: inbox.MOST_CAUSES]


def _both(one: Drawn, other: Drawn) -> Drawn:
    newest = max(one, other, key=lambda cause: cause.last_at)
    return replace(
        newest,
        count=one.count + other.count,
        came_back=one.came_back + other.came_back,
        first_at=min(one.first_at, other.first_at),
        note=_joined(one.note, other.note),
        owner=_joined(one.owner, other.owner),
        points=tuple(map(sum, zip(one.points, other.points, strict=True))),
    )


def _joined(*texts: str) -> str:
    return " · ".join(dict.fromkeys(filter(None, texts)))


def status_counts(slugs: Sequence[str]) -> Mapping[str, int]:
    """Return how many letters have each status, 0 included."""
    return _summed(inbox.status_counts(slug) for slug in slugs)


def of_each(wanted: Sequence[Filter], group: str) -> dict[str, int]:
    """Return how many letters of a cause each broker has that match."""
    counts = {item.broker: Letters([replace(item, group=group)], DeadLetter.newest_id()) for item in wanted}
    return {slug: found for slug, letters in counts.items() if (found := letters.count())}


def choices(slugs: Sequence[str]) -> dict[str, list[str]]:
    """Return what letters can be filtered by: their source and dead-letter queues."""
    found = [inbox.choices(slug) for slug in slugs]
    names = ("source", "queue")
    return {
        name: sorted({value for item in found for value in item[name]})[: facets.MOST_NAMES] for name in names
    }


def running(slugs: Sequence[str]) -> list[Operation]:
    """Return the operations on letters that are going on, or ended a moment ago."""
    return [operation for slug in slugs for operation in inbox.running(slug)]


def fullest(slugs: Sequence[str]) -> tuple[list[UncapturedQueue], int]:
    """Return the fullest dead-letter queues that nobody captures, and how many more there are."""
    found = [uncaptured.fullest(slug) for slug in slugs]
    queues = sorted((queue for queues, _more in found for queue in queues), key=lambda queue: -queue.count)
    more = sum(more for _queues, more in found) + max(0, len(queues) - uncaptured.MOST)
    return queues[: uncaptured.MOST], more


def _summed(found: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for item in found:
        counts.update(item)
    return counts
