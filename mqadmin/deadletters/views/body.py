"""The body of a letter as a file, byte for byte."""

from __future__ import annotations

import copy

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.deadletters.masking import masking, revealing
from mqadmin.deadletters.models import DeadLetter


@permissions.view.of("rows")
@require_GET
def letter_body(request: HttpRequest, letter_id: int) -> HttpResponse:
    """The whole body. One with hidden values is for who may reveal them, and that they took it is written down."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    body = bytes(letter.body)
    hidden = copy.copy(letter)
    masking.hide(hidden)
    if bytes(hidden.body) != body:
        if not revealing.may(letter):
            raise Refusal(_("This body has hidden values: you may not download it."), "forbidden", status=403)
        with revealing.act(letter=letter, by=audit.actor(request), to="download"):
            pass
    # Never shown by the browser itself: it could be a page with a script.
    answer = HttpResponse(body, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="letter-{letter.pk}.bin"'
    answer["Cache-Control"] = "private, no-store"
    return answer
