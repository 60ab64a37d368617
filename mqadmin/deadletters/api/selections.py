"""Which letters a call is about: by id, or by a filter."""

from __future__ import annotations

from django.utils.translation import gettext as _
from pydantic import Field

from mqadmin.core.api.plumbing import ApiError, Asked, Body, the_broker
from mqadmin.core.api.times import Moment
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Filter, Selection


class LetterQuery(Asked):
    """What letters must have. `queue`: the dead-letter queue; `source`: where they died; `q`: words in them."""

    broker: str = ""
    vhost: str = ""
    queue: str = ""
    source: str = ""
    reason: str = ""
    group: str = ""
    status: str = ""
    q: str = Field("", max_length=500)
    since: Moment | None = None
    until: Moment | None = None
    operation: int = 0


class LetterFilter(Body, LetterQuery):
    """The same in a body, where a name that is none is refused: without it the filter would find more letters."""


class SelectionIn(Body):
    """Either `ids`, or all letters that match `filter` now; `expect` refuses another number."""

    ids: list[int] | None = None
    filter: LetterFilter | None = None
    expect: int | None = Field(None, ge=0)


def filter_of(wanted: LetterQuery, *, one_broker: bool = False) -> Filter:
    """Return the filter; names the broker if it must and only one is configured."""
    values = wanted.dict()
    if one_broker:
        values["broker"] = the_broker(values["broker"])
    return Filter(**values)


def selection_of(wanted: SelectionIn) -> Selection:
    """Return the selection. Raises ApiError where there is none, or its letters are of several brokers or gone."""
    if (wanted.ids is None) == (wanted.filter is None):
        raise ApiError(422, "invalid", _("Give either ids or a filter."))
    if wanted.filter is not None:
        return selection.all_that_match(filter_of(wanted.filter, one_broker=True))
    ids = wanted.ids or []
    found = set(DeadLetter.objects.filter(pk__in=ids[: selection.MOST_IDS]).values_list("broker", flat=True))
    if len(found) > 1:
        raise ApiError(422, "several_brokers", _("These letters are of several brokers."))
    if ids and not found:
        raise ApiError(404, "not_found", _("There are no such letters."))
    return selection.some(next(iter(found), ""), ids)
