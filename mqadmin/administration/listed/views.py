"""A list of a noun: known before it is made, a page of it, its live part."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mqadmin.administration.listed import completing, pages
from mqadmin.administration.listed.choices import CHOICES
from mqadmin.administration.listed.pages import Asked
from mqadmin.administration.listing import kinds, reading
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.listing.reading import Seen
from mqadmin.core import brokers, permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.pages import rights
from mqadmin.queues.pages.broker_status import fault, status_of
from mqadmin.rabbit.numbers import whole


@dataclass(frozen=True)
class Words:
    """What a list is called: its heading, what stands in its search box, when it has no rows."""

    title: str
    placeholder: str
    none: str
    icon: str


@dataclass(frozen=True)
class Sort:
    """The head of a column: where a click leads, and whether the table is sorted by it ("up", "down", "")."""

    href: str
    direction: str


def page(
    request: HttpRequest,
    kind: Kind,
    words: Words,
    *,
    rows: str,
    template: str = "administration/list.html",
    shape: Callable[[str, Any], Any] | None = None,
    more: Mapping[str, Any] | None = None,
    known_by: Hashable = None,
    of_broker: bool = False,
) -> HttpResponse:
    """Show a list. `rows` is the partial that draws its table; `shape(broker, item)` makes what it draws of a row;
    `more`: what else the page shows, `known_by` what that is known by. `of_broker`: its buttons are about the whole
    broker.

    What is unchanged is answered before a row is read. `shape` and the rows' template must depend on nothing but
    the row, the broker, the columns and the language: a row is drawn once for all who look.
    """
    slug = brokers.current(request)
    if of_broker:
        permissions.about(request, slug)
    asked = Asked.read(kind, slug, request.GET.dict())
    state = status_of(slug) if slug else None
    seen = reading.look(slug, kind) if slug else None
    level = (state.level, repr(state.broker.unseen) if state.broker else "") if state else None
    choice = CHOICES.get(kind.name)
    columns = choice.chosen(request.COOKIES) if choice else None
    known = pages.known_by(asked, seen) if seen else None
    version = rendering.version(request, known, level, known_by, columns)
    if same := rendering.unchanged(request, version):
        return same
    context = {
        "words": words,
        "asked": asked,
        "seen": seen,
        "seen_fault": fault_of(seen) if seen else None,
        "found": pages.found(asked, seen, shape) if seen else None,
        "notes": rights.notes(state.broker) if state and permissions.allows(slug) else [],
        "rows_template": rows,
        "columns": columns,
        "is_broad": choice is not None and len(columns or ()) > len(choice.usual),
        "choice": choice.offered(columns or (), reverse("list_columns", args=[kind.name]))
        if choice
        else None,
        "sorts": {name: _sort(asked, name) for name in kind.sorts},
        "sizes": [(size, asked.address(per=size)) for size in pages.SIZES],
        "here": request.path + asked.address(page=asked.page),
        "everything": asked.address(q=""),
        **(more or {}),
    }
    return rendering.page(request, template, context, fragment="administration/_listed.html", version=version)


@permissions.view.of("vhost")
@require_GET
def list_complete(request: HttpRequest, kind: str) -> HttpResponse:
    """Offer what the word before the cursor (`at`) of the search `q` could become."""
    found = kinds.kind(kind)
    slug = brokers.current(request)
    if found is None or not slug:
        raise Http404(_("There is no such list."))
    query = request.GET.get("q", "")[: pages.LONGEST]
    at = whole(request.GET.get("at", ""), 5)
    offers = completing.offers(found, slug, query, len(query) if at is None else at)
    response = render(request, "core/_offers.html", {"offers": offers})
    response["Cache-Control"] = "private, max-age=20"
    return response


def about(request: HttpRequest, slug: str, seen: Seen) -> dict[str, Any]:
    """Return what each page about rows of a list is rendered with besides: how the list is known."""
    return {
        "broker": slug,
        "seen": seen,
        "seen_fault": fault_of(seen),
        "here": request.get_full_path(),
    }


def fault_of(seen: Seen) -> tuple[str, str] | None:
    """Return in words why a list is not newer than it is, None while all is well."""
    return fault(seen.listing.error_code) if seen.listing.error else None


def status(seen: Seen, *, is_there: bool) -> int:
    """Return the status of a page about one row: 404 once it is known that it is gone."""
    return 404 if not is_there and seen.is_known and not seen.listing.error else 200


def _sort(asked: Asked, name: str) -> Sort:
    direction = {name: "up", f"-{name}": "down"}.get(asked.sort, "")
    up_first = not asked.kind.is_number(name)
    turned = name if direction == "down" or (not direction and up_first) else f"-{name}"
    return Sort(asked.address(sort=turned), direction)
