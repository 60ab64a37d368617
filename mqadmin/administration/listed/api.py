"""A page of a list, as a call returns it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import Field

from mqadmin.administration.listed import pages
from mqadmin.administration.listed.pages import Asked
from mqadmin.administration.listing import reading
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.api.paging import clipped, skipped
from mqadmin.core.api.plumbing import ApiError, PageQuery, a_broker
from mqadmin.core.query.syntax import BadQuery


class ListQuery(PageQuery):
    """Which rows, in which order: `q` is a search as the page has it; `sort` a column, "-" for descending."""

    broker: str = ""
    q: str = Field("", max_length=pages.LONGEST)
    sort: str = ""


class Listed(Schema):
    """What is said of each list: when it was true, and why it is not newer ("" while all is well)."""

    total: int
    next: str | None
    taken_at: datetime | None
    error: str


def page(kind: Kind, wanted: ListQuery, out: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Return a page of a list. ApiError: 400 `bad_query`, `bad_sort`; 503 where nothing was ever seen of it.

    The list may change between two pages: the cursor counts rows.
    """
    slug = a_broker(wanted.broker)
    if wanted.sort.removeprefix("-") not in ("", *kind.sorts):
        words = _("Sort by one of: %(known)s.") % {"known": ", ".join(kind.sorts)}
        raise ApiError(400, "bad_sort", words)
    asked = Asked(kind, slug, q=wanted.q, sort=wanted.sort or kind.default_sort)
    begin, size = skipped(wanted.cursor), clipped(wanted.limit)
    seen = reading.look(slug, kind)
    if not seen.is_known:
        raise ApiError(503, seen.listing.error_code or "not_known", seen.listing.error or _("Not known yet."))
    try:
        places = pages.places(asked, seen)
    except BadQuery as error:
        raise ApiError(400, "bad_query", error.message) from error
    rows = seen.rows()
    end = begin + size
    return {
        "items": [out(rows.row(place)) for place in places[begin:end]],
        "total": len(places),
        "next": str(end) if end < len(places) else None,
        "taken_at": seen.listing.taken_at,
        "error": seen.listing.error,
    }
