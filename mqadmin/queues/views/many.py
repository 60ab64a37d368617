"""One act on many queues: a dialog over the list, or a page of its own, that says how many and which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from mqadmin.approvals.gate import gate
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import prose, rendering
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import many
from mqadmin.queues.acts.many import Chosen
from mqadmin.queues.acts.settling import Wanted
from mqadmin.queues.forms.many import DeleteMany, ManyForm, MuteMany, OwnerMany, PurgeMany
from mqadmin.queues.pages import choosing
from mqadmin.queues.pages.broker_status import is_production
from mqadmin.queues.pages.choosing import Held

# What was started, or how many queues were changed at once.
Act = Callable[[Chosen, Any, Actor, str], Operation | int]


@dataclass(frozen=True)
class Question:
    """What a dialog asks. `title` has the count in it, `effect` says what becomes of them.

    `weighs`: the act of `many`, where it may need a second person.
    """

    url_name: str
    title: Callable[[int], str]
    effect: Callable[[Held], str]
    act: Act
    form: type[ManyForm] = ManyForm
    is_danger: bool = False
    weighs: str = ""


def ask(request: HttpRequest, question: Question) -> HttpResponse:
    """GET: say how many queues, and the first names. POST: do it, unless they are not the same any more."""
    scope = brokers.posted(request)
    given = request.POST if request.method == "POST" else request.GET
    parts = choosing.parted(given, scope)
    queues = choosing.together(parts)
    must_type = _must_type(parts) if question.is_danger else ""
    form = question.form(request.POST if request.method == "POST" else None, must_type=must_type)
    back = f"{reverse('queue_list')}?{urlencode({'broker': scope, **_asked(given)})}"
    refusal, status = "", 200
    if form.errors and rendering.wants_fragment(request):
        told = prose.paragraph(str(text) for texts in form.errors.values() for text in texts)
        raise Refusal(told, "invalid", status=422)
    if form.is_bound and form.is_valid():
        try:
            many.check_seen(queues, given.get("seen", ""))
            done = _each(question, parts, form, audit.actor(request))
        except Refusal as error:
            if rendering.wants_fragment(request):
                raise
            refusal, status = error.text, error.status
        else:
            return _answered(request, done, back)
    context = {
        "queues": queues,
        "title": question.title(len(queues.ids)),
        "effect": question.effect(choosing.held(queues)),
        "more": max(0, len(queues.ids) - len(queues.names)),
        "form": form,
        "refusal": refusal,
        "must_type": must_type,
        "is_danger": question.is_danger,
        "waits": _waits(question.weighs, parts, audit.actor(request)),
        "action": reverse(question.url_name),
        "fields": _sent_on(given, queues),
        "back": back,
        "broker": scope,
        "on": _on(parts) if scope == brokers.EVERY else [],
    }
    status = 422 if form.errors else status
    return rendering.page(
        request, "queues/decide.html", context, fragment="queues/_decide.html", status=status
    )


def _asked(given: Any) -> dict[str, str]:
    return {name: given[name] for name in choosing.FIELDS if given.get(name)}


def _sent_on(given: Any, queues: Chosen) -> list[tuple[str, str]]:
    """Return what the dialog posts so that it is about the same queues."""
    if given.get("all"):
        return [("all", "1"), *_asked(given).items()]
    return [*(("ids", str(pk)) for pk in queues.ids), *_asked(given).items()]


def _must_type(parts: Sequence[Chosen]) -> str:
    """Return what must be typed: the names of those of the brokers that are in production."""
    return " ".join(part.broker for part in parts if is_production(part.broker))


def _waits(act: str, parts: Sequence[Chosen], by: Actor) -> str:
    """Return what is said where the act would wait for a second person, or would with what the queues hold."""
    found = []
    for part in parts if act else ():
        plain, full = (
            gate.warning(f"queues.{act}", part.broker, many.size(act, part.ids, even_full=even_full), by)
            for even_full in (False, True)
        )
        found.append(plain or (full and _("With those that hold messages: %(what)s") % {"what": full}))
    return prose.paragraph(found)


def _on(parts: Sequence[Chosen]) -> list[tuple[str, int]]:
    """Return the title of each broker with how many of the queues are its."""
    titles = brokers.titles()
    return [(titles[part.broker], len(part.ids)) for part in parts if part.ids]


@dataclass(frozen=True)
class Done:
    """What was started, how many queues were changed, and what a broker's act was refused for."""

    operations: Sequence[Operation]
    changed: int
    refused: Sequence[str]


def _each(question: Question, parts: Sequence[Chosen], form: Any, by: Actor) -> Done:
    """Act on each broker's queues: each is an act of its own. Raises the Refusal where there is but one."""
    operations, changed, refused = [], 0, []
    waiting: list[Awaits] = []
    for part in parts:
        try:
            done = question.act(part, form, by, part.mark)
        except Refusal as refusal:
            if len(parts) == 1:
                raise
            refused.append(prose.labelled(brokers.titles()[part.broker], refusal.text))
            continue
        except Awaits as waits:
            waiting.append(waits)
            refused.append(prose.labelled(brokers.titles()[part.broker], waits.text))
            continue
        if isinstance(done, Operation):
            operations.append(done)
        else:
            changed += done
    if len(refused) == len(parts) and waiting:
        raise waiting[0]
    if len(refused) == len(parts):
        raise Refusal(prose.paragraph(refused), "invalid", status=422)
    return Done(operations, changed, refused)


def _answered(request: HttpRequest, done: Done, back: str) -> HttpResponse:
    told = [_("%(what)s: begun.") % {"what": item.summary} for item in done.operations]
    if done.changed or not told:
        changed = ngettext("%(n)s queue changed.", "%(n)s queues changed.", done.changed)
        told.append(changed % {"n": number(done.changed)})
    to = back
    if len(done.operations) == 1:
        to = reverse("operation_detail", args=[done.operations[0].pk])
    elif done.operations:
        to = reverse("operation_list")
    return rendering.acted(request, prose.paragraph([*told, *done.refused]), to=to)


def _purge(queues: Chosen, form: Any, by: Actor, seen: str) -> Operation:
    return many.start(act="purge", chosen=queues, by=by, seen=seen, snapshot=form.cleaned_data["snapshot"])


def _delete(queues: Chosen, form: Any, by: Actor, seen: str) -> Operation:
    given = {name: form.cleaned_data[name] for name in ("even_full", "even_used")}
    return many.start(act="delete", chosen=queues, by=by, seen=seen, **given)


def _mute(queues: Chosen, form: Any, by: Actor, seen: str) -> int:
    return many.settle(chosen=queues, wanted=Wanted(muted_until=form.until), by=by, seen=seen)


def _own(queues: Chosen, form: Any, by: Actor, seen: str) -> int:
    return many.settle(chosen=queues, wanted=Wanted(owner=form.cleaned_data["owner"]), by=by, seen=seen)


def _purge_effect(held: Held) -> str:
    text = ngettext(
        "About %(n)s message that is ready is dropped for good, and not dead-lettered.",
        "About %(n)s messages that are ready are dropped for good, and not dead-lettered.",
        held.messages,
    )
    return prose.paragraph(
        (text % {"n": number(held.messages)}, _("Messages that consumers hold stay with them."))
    )


def _delete_effect(held: Held) -> str:
    full = ngettext("%(n)s of them holds messages", "%(n)s of them hold messages", held.full)
    used = ngettext("%(n)s is consumed from", "%(n)s are consumed from", held.used)
    return _(
        "%(full)s, %(used)s: those are left alone unless you say so. Nothing of a deleted queue is kept."
    ) % {
        "full": full % {"n": number(held.full)},
        "used": used % {"n": number(held.used)},
    }


def _title(words: Callable[[int], str]) -> Callable[[int], str]:
    return lambda count: words(count) % {"n": number(count)}


PURGE = Question(
    "queues_purge",
    _title(lambda n: ngettext("Purge %(n)s queue", "Purge %(n)s queues", n)),
    _purge_effect,
    _purge,
    PurgeMany,
    True,
    "purge",
)
DELETE = Question(
    "queues_delete",
    _title(lambda n: ngettext("Delete %(n)s queue", "Delete %(n)s queues", n)),
    _delete_effect,
    _delete,
    DeleteMany,
    True,
    "delete",
)
MUTE = Question(
    "queues_mute",
    _title(lambda n: ngettext("Mute %(n)s queue", "Mute %(n)s queues", n)),
    lambda _held: _("Their verdicts stay; until then they need nobody's attention and alert nobody."),
    _mute,
    MuteMany,
)
OWNER = Question(
    "queues_owner",
    _title(lambda n: ngettext("Owner of %(n)s queue", "Owner of %(n)s queues", n)),
    lambda _held: _("It wins over the rules, and stays whatever they say later."),
    _own,
    OwnerMany,
)


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def queues_purge(request: HttpRequest) -> HttpResponse:
    """Drop what is ready in the queues."""
    return ask(request, PURGE)


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def queues_delete(request: HttpRequest) -> HttpResponse:
    """Delete the queues."""
    return ask(request, DELETE)


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def queues_mute(request: HttpRequest) -> HttpResponse:
    """Mute the queues, or unmute them."""
    return ask(request, MUTE)


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def queues_owner(request: HttpRequest) -> HttpResponse:
    """Say who answers for the queues."""
    return ask(request, OWNER)
