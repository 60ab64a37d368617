"""The inbox: causes, letters, the letter in hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import progress
from mqadmin.core.pages import rendering
from mqadmin.deadletters.forms.selections import ALL, LetterFilter
from mqadmin.deadletters.inbox import everywhere, inbox, presenting, saved
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import searching
from mqadmin.deadletters.search.selection import Filter
from mqadmin.deadletters.views.letter import shown_context
from mqadmin.rabbit.numbers import whole

PAGE = 50


@permissions.view.of("rows")
@require_GET
def letter_list(request: HttpRequest) -> HttpResponse:
    """Causes, letters and the letter in hand. All of it is in the address."""
    scope = brokers.scope(request)
    slugs = brokers.within(scope)
    form = LetterFilter(request.GET, slugs[0] if slugs else "")
    with searching.remembered():
        lists = _lists(request, form, slugs)
    first = next((letter.pk for letter in lists["page"]), None)
    titles = brokers.titles() if scope == brokers.EVERY else {}
    context = {"scope": scope, "titles": titles, "form": form, **lists, **_letter(request, slugs, first)}
    if titles and lists["chosen_cause"] is not None:
        each = everywhere.of_each(lists["each"], lists["wanted"].group)
        context["at_brokers"] = [(slug, titles[slug], count) for slug, count in each.items()]
    return rendering.page(request, "deadletters/list.html", context, fragment="deadletters/_inbox.html")


def _pages(each: Sequence[Filter], up_to: int) -> Paginator[Any]:
    return Paginator(everywhere.Letters(each, up_to), PAGE)  # type: ignore[arg-type]


def _lists(request: HttpRequest, form: LetterFilter, slugs: Sequence[str]) -> dict[str, Any]:
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
    each = [replace(wanted, broker=slug) for slug in slugs or [form.broker]]
    page = _pages(each, seen).get_page(request.GET.get("page"))
    if is_frozen and not page.object_list:
        is_frozen, seen = False, DeadLetter.newest_id()
        page = _pages(each, seen).get_page(1)
    counts = everywhere.status_counts(slugs)
    found = everywhere.causes(each)
    fullest, more = everywhere.fullest(slugs)
    return {
        "wanted": wanted,
        "each": each,
        "status": wanted.status or ALL,
        "status_label": DeadLetter.Status(wanted.status).label if wanted.status else _("in all"),
        "statuses": [(value, label, counts.get(value, 0)) for value, label in DeadLetter.Status.choices],
        "has_any": any(counts.values()),
        "causes": found,
        "are_causes_cut": len(found) >= inbox.MOST_CAUSES,
        "chosen_cause": next((cause for cause in found if cause.group == wanted.group), None),
        "in_causes": sum(cause.count for cause in found),
        "choices": everywhere.choices(slugs),
        "reasons": DeadLetter.Reason.choices,
        "page": page,
        "seen": seen,
        "waiting": everywhere.newer(each, seen) if is_frozen else 0,
        "operations": [(item, progress.eta_seconds(item)) for item in everywhere.running(slugs)],
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


def _letter(request: HttpRequest, slugs: Sequence[str], first: int | None) -> dict[str, Any]:
    """Return the letter in hand: the one asked for, else the first of the list."""
    asked = request.GET.get("letter", "")
    # `pin` keeps what is shown in its place when the list is read again, without having been asked for.
    given = asked or request.GET.get("pin", "")
    number = whole(given)
    wanted = first if number is None else number
    rows = DeadLetter.objects.select_related("operation").filter(broker__in=slugs)
    letter = None if wanted is None else rows.filter(pk=wanted).first()
    if letter is None:
        return {"shown": None, "is_asked": bool(asked)}
    return {**shown_context(request, presenting.show(letter)), "is_asked": bool(asked)}
