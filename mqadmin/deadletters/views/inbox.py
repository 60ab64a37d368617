"""The inbox: causes, letters, the letter in hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import progress
from mqadmin.core.pages import rendering
from mqadmin.deadletters.capture import uncaptured
from mqadmin.deadletters.forms.selections import ALL, LetterFilter
from mqadmin.deadletters.inbox import inbox, lists, presenting, saved, sparklines
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import searching, tally
from mqadmin.deadletters.search.selection import Filter
from mqadmin.deadletters.views.letter import shown_context
from mqadmin.rabbit.numbers import whole

PAGE = 50


@permissions.view
@require_GET
def letter_list(request: HttpRequest) -> HttpResponse:
    """Causes, letters and the letter in hand. All of it is in the address."""
    broker = brokers.current(request)
    form = LetterFilter(request.GET, broker)
    with searching.remembered():
        lists = _lists(request, form)
    first = next((letter.pk for letter in lists["page"]), None)
    context = {"broker": broker, "form": form, **lists, **_letter(request, broker, first)}
    return rendering.page(request, "deadletters/list.html", context, fragment="deadletters/_inbox.html")


class _Pages(Paginator):  # type: ignore[type-arg]
    """Pages of letters that the database has counted already, where it has."""

    def __init__(self, wanted: Filter, up_to: int) -> None:
        self._rows = lists.listed(wanted, up_to=up_to)
        super().__init__(self._rows, PAGE)
        self._columns = wanted.columns
        self._wanted, self._up_to = wanted, up_to

    @cached_property
    def count(self) -> int:
        if self._columns is None:
            return self._rows.count()
        return max(0, tally.total(self._columns) - lists.newer(self._wanted, self._up_to))


def _lists(request: HttpRequest, form: LetterFilter) -> dict[str, Any]:
    """Return causes, counts and the page of letters.

    `seen` freezes the list: letters that came after it wait behind "12 new" while a person reads. In an empty
    list there is nothing to read, only somebody who waits for the first.
    """
    wanted = form.wanted
    given = whole(request.GET.get("seen", ""))
    is_frozen = given is not None
    seen = DeadLetter.newest_id() if given is None else given
    fault = searching.fault(form.query) if "q" in form.errors else None
    if fault is not None:
        wanted = replace(
            wanted, q="id:0"
        )  # a search that cannot be read finds nothing, rather than everything
    page = _Pages(wanted, seen).get_page(request.GET.get("page"))
    if is_frozen and not page.object_list:
        is_frozen, seen = False, DeadLetter.newest_id()
        page = _Pages(wanted, seen).get_page(1)
    counts = inbox.status_counts(form.broker)
    found = sparklines.drawn(form.broker, inbox.causes(wanted))
    fullest, more = uncaptured.fullest(form.broker)
    return {
        "wanted": wanted,
        "status": wanted.status or ALL,
        "status_label": DeadLetter.Status(wanted.status).label if wanted.status else _("in all"),
        "statuses": [(value, label, counts.get(value, 0)) for value, label in DeadLetter.Status.choices],
        "has_any": any(counts.values()),
        "causes": found,
        "are_causes_cut": len(found) >= inbox.MOST_CAUSES,
        "chosen_cause": next((cause for cause in found if cause.group == wanted.group), None),
        "in_causes": sum(cause.count for cause in found),
        "choices": inbox.choices(form.broker),
        "reasons": DeadLetter.Reason.choices,
        "page": page,
        "seen": seen,
        "waiting": lists.newer(wanted, seen) if is_frozen else 0,
        "operations": [(item, progress.eta_seconds(item)) for item in inbox.running(form.broker)],
        "uncaptured": fullest,
        "more_uncaptured": more,
        "folded_uncaptured": len(fullest) + more - 2,
        "filter_fields": replace(wanted, broker="").to_json(),
        "views": list(saved.SHELF.visible(request.user.get_username())),
        "view_urls": {"save": "view_save", "delete": "view_delete"},
        "view_now": saved.SHELF.plain(request.GET.urlencode()),
        "query_text": form.query,
        "query_fault": fault,
        "query_notice": searching.notice(),
    }


def _letter(request: HttpRequest, broker: str, first: int | None) -> dict[str, Any]:
    """Return the letter in hand: the one asked for, else the first of the list."""
    asked = request.GET.get("letter", "")
    # `pin` keeps what is shown in its place when the list is read again, without having been asked for.
    given = asked or request.GET.get("pin", "")
    number = whole(given)
    wanted = first if number is None else number
    rows = DeadLetter.objects.select_related("operation").filter(broker=broker)
    letter = None if wanted is None else rows.filter(pk=wanted).first()
    if letter is None:
        return {"shown": None, "is_asked": bool(asked)}
    return {**shown_context(request, presenting.show(letter)), "is_asked": bool(asked)}
