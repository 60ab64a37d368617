"""What the dialogs about many letters have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.approvals.gate import gate
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers, unseen
from mqadmin.core.acts import audit
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import prose, rendering
from mqadmin.deadletters.acts import conflict
from mqadmin.deadletters.forms.requeue import Carefully, Destination
from mqadmin.deadletters.forms.selections import chosen_each, expected
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Selection
from mqadmin.queues.pages.broker_status import is_production
from mqadmin.rabbit.errors import RabbitError

# What the acts of the dialogs are called in the audit log.
ACTS = {
    "letter_requeue": "dead_letters.requeue",
    "letter_discard": "dead_letters.discard",
    "letter_restore": "dead_letters.restore",
    "letters_edit": "dead_letters.edit",
}
PARKED, DISCARDED = DeadLetter.Status.PARKED, DeadLetter.Status.DISCARDED


def decision(request: HttpRequest, url_name: str, status: str, own: Iterable[str] = ()) -> dict[str, Any]:
    """Return what a dialog shows: how many letters it is about, and what it sends on but its `own` fields."""
    scope = brokers.scope(request)
    each = chosen_each(request.GET, scope, status)
    counts = [letters.rows().filter(status=status).count() for letters in each]
    skip = {"expect", *Destination.base_fields, "up_to", "letter", "tab", "page", "seen", "broker", "typed"}
    skip |= {*Carefully.base_fields, *own}
    fields = [
        (name, value) for name, values in request.GET.lists() if name not in skip for value in values if value
    ]
    if each[0].filter is not None:
        fields.append(("up_to", str(each[0].up_to)))
    titles = brokers.titles() if scope == brokers.EVERY else {}
    by = audit.actor(request)
    warnings = [
        gate.warning(ACTS[url_name], item.broker, Size(n), by) for item, n in zip(each, counts, strict=True)
    ]
    return {
        "dialog": f"deadletters/_{url_name.removeprefix('letter_')}.html",
        "action": reverse(url_name),
        "scope": scope,
        "each": each,
        "parts": [(titles[item.broker], n) for item, n in zip(each, counts, strict=True) if titles],
        "must_type": _must_type(scope, each),
        "total": sum(counts),
        "waits": prose.paragraph(warnings),
        "can_act": True,
        "passed_over": sum(
            item.rows().count() - n for item, n in zip(each, counts, strict=True) if item.filter is None
        ),
        "fields": fields,
        "back": f"{reverse('letter_list')}?{urlencode({'broker': scope})}",
    }


def _must_type(scope: str, each: Sequence[Selection]) -> str:
    """Return what must be typed where letters of several brokers are shown: those that are in production."""
    if scope != brokers.EVERY:
        return ""
    return " ".join(item.broker for item in each if is_production(item.broker))


def dialog(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show what `decision` returned: in a dialog over the inbox, or on a page of its own."""
    return rendering.page(request, "deadletters/dialog.html", context, fragment=context["dialog"])


@dataclass(frozen=True)
class Started:
    """The operations that were begun, one for each broker, and why the others were not: refused, or kept for a
    second person."""

    operations: Sequence[Operation]
    refused: Sequence[str] = ()


def start(request: HttpRequest, status: str, begin: Callable[[Selection, int | None], Operation]) -> Started:
    """Begin what a dialog asked about, for each broker by itself: `begin` gets its letters and how many they must
    be. Raises Refusal: the letters are not as many as were shown, nothing was typed, or none could be begun. Raises
    Awaits where all that is done waits for a second person."""
    scope = brokers.posted(request)
    each, expect, by = chosen_each(request.POST, scope, status), expected(request.POST), audit.actor(request)
    if scope != brokers.EVERY:
        with conflict.explained(each[0], by):
            return Started([begin(each[0], expect)])
    must_type = _must_type(scope, each)
    if must_type and not unseen.is_typed(request.POST.get("typed", ""), must_type):
        raise Refusal(_("Type the name of the broker exactly."), "invalid", status=422)
    counts = [letters.rows().filter(status=status).count() for letters in each]
    if expect is not None:
        selection.check(sum(counts), expect)
    titles = brokers.titles()
    operations, refused = [], []
    waiting: list[Awaits] = []
    for letters, count in zip(each, counts, strict=True):
        try:
            with conflict.explained(letters, by):
                operations.append(begin(letters, count))
        except Awaits as waits:
            waiting.append(waits)
            refused.append(prose.labelled(titles[letters.broker], waits.text))
        except (Refusal, RabbitError) as error:
            refused.append(prose.labelled(titles[letters.broker], error))
    if not operations and waiting:
        raise waiting[0]
    if not operations:
        raise Refusal(prose.paragraph(refused), "nothing_to_do")
    return Started(operations, refused)


def started(request: HttpRequest, done: Started) -> HttpResponse:
    """Answer a POST that started something."""
    href = reverse("operation_list")
    if len(done.operations) == 1:
        href = reverse("operation_detail", args=[done.operations[0].pk])
    return rendering.acted(request, told(done), to=href)


def told(done: Started) -> str:
    """Say what was begun, and what was not."""
    begun = [_("%(what)s: begun.") % {"what": operation.summary} for operation in done.operations]
    return prose.paragraph([*begun, *done.refused])
