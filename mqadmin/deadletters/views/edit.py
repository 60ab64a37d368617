"""The page where one letter is changed before it is requeued: typed in several ways, compared, saved."""

from __future__ import annotations

import copy
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.forms.edit import EditForm
from mqadmin.deadletters.inbox import comparing, presenting
from mqadmin.deadletters.inbox.comparing import Content
from mqadmin.deadletters.letter import bodytext
from mqadmin.deadletters.letter.bodytext import Unreadable
from mqadmin.deadletters.masking import masking, revealing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.views.dialog import Started, started

CHANGES = "changes"  # in `show`: not another way to type the body, but what was changed


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def letter_edit(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Change a parked letter, and on wish requeue it at once. `show` only shows: in another way, or the changes."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    if masking.hide(copy.copy(letter)):
        revealing.require(letter)  # the form shows all of it, and so does what was changed
    context: dict[str, Any] = {}
    if request.method == "POST":
        form = EditForm(request.POST)
        is_valid = form.is_valid()
        show = request.POST.get("show", "")
        if show:
            form = _shown(form, letter, show, context)
        elif is_valid and (done := _edited(request, form, letter, context)) is not None:
            return done
        status = 422 if form.errors else 200
    else:
        form, status = _opened(request, letter), 200
    context |= {"letter": letter, "name": presenting.name(letter), "form": form, **_ways(form, letter)}
    return rendering.page(request, "deadletters/edit.html", context, status=status)


def _opened(request: HttpRequest, letter: DeadLetter) -> EditForm:
    """Return the form with the letter in it; that somebody sees its hidden values is written down."""
    _note_look(request, letter)
    body = bytes(letter.body)
    way = bodytext.ways(body)[0]
    return EditForm(
        initial={
            "body": bodytext.written(body, way),
            "encoding": way,
            "headers": letter.headers,
            "properties": letter.properties,
            "edits": letter.edits,
        }
    )


def _ways(form: EditForm, letter: DeadLetter) -> dict[str, Any]:
    """Return the ways to type the body, and what has to be said about the one in hand."""
    body = bytes(letter.body)
    names = bodytext.ways(body)
    way = form["encoding"].value()
    names = names if way in names else [*names, way]
    order = ("utf-8", "json", "hex", "base64")
    return {
        "ways": bodytext.labels([name for name in order if name in names]),
        "way": way,
        "is_mixed": way in ("utf-8", "json") and bodytext.has_mixed_ends(body),
        "too_long_for_hex": len(body) > bodytext.MOST_HEX,
    }


def _typed(form: EditForm, letter: DeadLetter, context: dict[str, Any]) -> bytes | None:
    """Return the body that was typed; where it is none, put that and the place on the form and return None."""
    text, way = form.cleaned_data["body"], form.cleaned_data["encoding"]
    plain = text.replace("\r\n", "\n")  # as a person sees it: the place is counted in that
    try:
        if way in ("hex", "base64"):
            return bodytext.read(plain, way)
        bodytext.read(plain, way)
        return bodytext.read(bodytext.restored(text, bytes(letter.body)), "utf-8")
    except Unreadable as error:
        form.add_error("body", error.text)
        if error.at is not None:
            context |= {"fault_at": error.at, "fault": bodytext.around(plain, error.at)}
        return None


def _shown(form: EditForm, letter: DeadLetter, show: str, context: dict[str, Any]) -> EditForm:
    """Return the form as it was typed: with its body in another way, or beside what was changed."""
    if "body" not in form.cleaned_data or "encoding" not in form.cleaned_data:
        return form
    body = _typed(form, letter, context)
    if body is None:
        return form
    if show == CHANGES:
        if form.is_valid():
            after = Content(body, form.cleaned_data["headers"], form.cleaned_data["properties"])
            context["changes"] = comparing.compare(comparing.captured(letter), after)
            context["is_compared"] = True
        return form
    try:
        data: dict[str, Any] = {name: form.data.get(name, "") for name in form.fields}
        data["body"] = bodytext.written(body, show)
        data["encoding"] = show
    except Unreadable as error:
        form.add_error("body", error.text)
        return form
    return EditForm(data)


def _note_look(request: HttpRequest, letter: DeadLetter) -> None:
    """Whoever edits a letter sees its masked fields: that is written down like any other look at them."""
    if masking.hide(copy.copy(letter)):
        with revealing.act(letter=letter, by=audit.actor(request), to="edit"):
            pass


def _edited(
    request: HttpRequest, form: EditForm, letter: DeadLetter, context: dict[str, Any]
) -> HttpResponse | None:
    """Save, or put what is wrong on the form and return None."""
    values = form.cleaned_data
    body = _typed(form, letter, context)
    if body is None:
        return None
    letter.edits = values["edits"]  # as it was when the form was opened
    by = audit.actor(request)
    try:
        letter = editing.edit(
            letter=letter, by=by, body=body, headers=values["headers"], properties=values["properties"]
        )
        if "requeue" in request.POST:
            letters_ = selection.some(letter.broker, [letter.pk])
            return started(request, Started([requeue.start(selection=letters_, to=To(), by=by)]))
    except Refusal as refusal:
        for field, text in refusal.fields.items():
            form.add_error(field, text)
        if not refusal.fields:
            form.add_error(None, refusal.text)
        return None
    to = f"{reverse('letter_list')}?letter={letter.pk}"
    return rendering.moved(request, to, _("Saved. What was captured can be brought back."))
