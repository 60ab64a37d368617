"""Letters for lists: without their bodies and what is masked, counted without counting where that can be."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import QuerySet

from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import tally
from mqadmin.deadletters.search.selection import Filter

# What a list needs: never the bodies.
LIST_FIELDS = (
    "pk",
    "broker",
    "vhost",
    "dead_letter_queue",
    "source_queue",
    "source_exchange",
    "routing_keys",
    "return_queue",
    "reason",
    "death_count",
    "first_death_at",
    "captured_at",
    "message_id",
    "error_type",
    "error",
    "framework",
    "group",
    "status",
    "status_reason",
    "size",
    "note",
    "edits",
    "requeue_count",
    "came_back_as",
    "maybe_duplicate_of",
)


class MaskedLetters(models.QuerySet[DeadLetter]):
    """Letters for a list: what is masked does not show in their errors."""

    def _fetch_all(self) -> None:
        is_new = self._result_cache is None
        super()._fetch_all()
        if is_new:
            masking.hide_in_errors([row for row in self._result_cache or () if isinstance(row, DeadLetter)])


class Counted(MaskedLetters):
    """Letters for the API's pages, counted by the tally."""

    columns: dict[str, str] | None = None

    def filter(self, *conditions: Any, **more: Any) -> Counted:
        """Return fewer, which nobody has counted."""
        fewer = super().filter(*conditions, **more)
        fewer.columns = None
        return fewer

    def count(self) -> int:
        """Return how many there are."""
        return super().count() if self.columns is None else tally.total(self.columns)

    def _clone(self) -> Counted:
        made: Counted = super()._clone()  # type: ignore[misc]
        made.columns = self.columns
        return made


class Picked(MaskedLetters):
    """Letters for a list, whose ids a search knows already: they are counted and cut into pages without it."""

    ids: tuple[int, ...] | None = None  # newest first; not that of any set made of this one

    def count(self) -> int:
        """Return how many there are."""
        return super().count() if self.ids is None else len(self.ids)

    def __getitem__(self, part: Any) -> Any:
        """Return one page."""
        if self.ids is None or not isinstance(part, slice):
            return super().__getitem__(part)
        wanted = self.ids[part]
        known = DeadLetter.objects.only(*LIST_FIELDS).in_bulk(wanted)
        found = [known[pk] for pk in wanted if pk in known]
        masking.hide_in_errors(found)
        return found


def listed(wanted: Filter, *, up_to: int | None = None) -> QuerySet[DeadLetter]:
    """Return the letters for a list, newest first, without their bodies."""
    search = wanted.found()
    rows = search.rows.only(*LIST_FIELDS)
    if up_to is None:
        counted = Counted(model=DeadLetter, query=rows.query)
        counted.columns = wanted.columns
        return counted
    rows = rows.filter(pk__lte=up_to)
    if search.picks is None:
        return MaskedLetters(model=DeadLetter, query=rows.query)
    picked = Picked(model=DeadLetter, query=rows.query)
    picked.ids = tuple(pick.pk for pick in search.picks if pick.pk <= up_to)
    return picked


def newer(wanted: Filter, than: int) -> int:
    """Return how many letters that match came after letter `than`."""
    search = wanted.found()
    if search.picks is not None:
        return sum(pick.pk > than for pick in search.picks)
    return search.rows.filter(pk__gt=than).count()
