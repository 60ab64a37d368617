"""Change what one letter says: its content before a requeue, and the notes of people."""

from __future__ import annotations

import copy

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.core import audit, brokers, permissions, rendering
from mqadmin.core.errors import Refusal
from mqadmin.deadletters import editing, letters, masking, presenting, requeue, selection
from mqadmin.deadletters.destinations import To
from mqadmin.deadletters.forms import EditForm
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.schemas import body_text
from mqadmin.deadletters.views.acts import started


@permissions.operate
@require_http_methods(["GET", "POST"])
def letter_edit(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Change a parked letter, and on wish requeue it at once."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    if request.method == "POST":
        form = EditForm(request.POST)
        if form.is_valid() and (done := _edited(request, form, letter)) is not None:
            return done
    else:
        _note_look(request, letter)
        encoding, body = body_text(letter)
        form = EditForm(
            initial={
                "body": body,
                "encoding": encoding,
                "headers": letter.headers,
                "properties": letter.properties,
                "edits": letter.edits,
            }
        )
    status = 422 if form.is_bound else 200
    context = {"letter": letter, "name": presenting.name(letter), "form": form}
    return rendering.page(request, "deadletters/edit.html", context, status=status)


def _note_look(request: HttpRequest, letter: DeadLetter) -> None:
    """Whoever edits a letter sees its masked fields: that is written down like any other look at them."""
    if masking.hide(copy.copy(letter)):
        with audit.act(
            by=audit.actor(request),
            action="dead_letters.reveal",
            broker=letter.broker,
            target=letters.described(letter),
            count=1,
            detail={"letter": letter.pk, "to": "edit"},
        ):
            pass


def _edited(request: HttpRequest, form: EditForm, letter: DeadLetter) -> HttpResponse | None:
    """Save, or put what is wrong on the form and return None."""
    values = form.cleaned_data
    letter.edits = values["edits"]  # as it was when the form was opened
    # A browser sends every line break as CR LF; what was stored with plain LF is to stay so.
    body = values["body"] if b"\r\n" in bytes(letter.body) else values["body"].replace("\r\n", "\n")
    by = audit.actor(request)
    try:
        letter = editing.edit(
            letter=letter,
            by=by,
            body=editing.decode_body(body, values["encoding"]),
            headers=values["headers"],
            properties=values["properties"],
        )
        if "requeue" in request.POST:
            letters = selection.some(letter.broker, [letter.pk])
            return started(request, requeue.start(selection=letters, to=To(), by=by))
    except Refusal as refusal:
        for field, text in refusal.fields.items():
            form.add_error(field, text)
        if not refusal.fields:
            form.add_error(None, refusal.text)
        return None
    to = f"{reverse('letter_list')}?letter={letter.pk}"
    return rendering.moved(request, to, _("Saved. What was captured can be brought back."))


@permissions.operate
@require_POST
def letter_revert(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Undo every edit."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    editing.revert(letter=letter, by=audit.actor(request))
    return rendering.acted(request, _("It is as it was captured."), to=_page(letter))


@permissions.operate
@require_POST
def letter_note(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Write a note on a letter."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    editing.note(letter=letter, text=request.POST.get("note", ""), by=audit.actor(request))
    return rendering.acted(request, _("Noted."), to=_page(letter))


@permissions.operate
@require_POST
def cause_note(request: HttpRequest, group: str) -> HttpResponse:
    """Write a note on a cause."""
    editing.note_cause(
        broker=brokers.current(request),
        group=group,
        text=request.POST.get("cause_note", ""),
        by=audit.actor(request),
    )
    return rendering.acted(request, _("Noted."), to=f"{reverse('letter_list')}?group={group}")


@permissions.operate
@require_POST
def cause_owner(request: HttpRequest, group: str) -> HttpResponse:
    """Say who looks after a cause: `owner`, or with `mine` whoever asks."""
    owner = request.user.get_username() if request.POST.get("mine") else request.POST.get("owner", "")
    editing.own_cause(broker=brokers.current(request), group=group, owner=owner, by=audit.actor(request))
    return rendering.acted(request, _("Noted."), to=f"{reverse('letter_list')}?group={group}")


def _page(letter: DeadLetter) -> str:
    return reverse("letter_detail", args=[letter.pk])
