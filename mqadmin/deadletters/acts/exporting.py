"""Letters as JSON Lines: one line a letter, with everything, so that an import makes the same letter again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.rights import asking, naming
from mqadmin.core.rows.batches import fitting
from mqadmin.deadletters.masking import masking, revealing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search.selection import Selection

FORMAT = 1
MASKED = "masked"  # instead of it in a line that lacks what is hidden: no import takes one
CONTENT_TYPE = "application/x-ndjson"
BATCH = 200
# What a line holds beside body, format and id; nothing in it is worked out again by an import.
FIELDS = (
    "broker",
    "vhost",
    "dead_letter_queue",
    "source_queue",
    "source_exchange",
    "routing_keys",
    "return_queue",
    "reason",
    "death_count",
    "deaths",
    "first_death_at",
    "captured_at",
    "message_id",
    "error_type",
    "error",
    "trace",
    "framework",
    "consumer",
    "group",
    "status",
    "status_reason",
    "note",
    "properties",
    "headers",
    "original",
    "requeue_count",
    "requeue_id",
    "came_back_as",
    "fingerprint",
)


def export(*, selection: Selection, by: Actor) -> Iterator[bytes]:
    """Return the lines of the letters of `selection`, read bit by bit as they are asked for.

    The audit log has it before the first line, and whether masked fields are in it: who may not reveal them gets
    lines without, which say so and cannot be imported. Raises django.db.Error.
    """
    reveal = not settings.MQADMIN_MASKED or may_reveal(by)
    rows = selection.rows().order_by("pk")
    with audit.act(
        by=by,
        action="dead_letters.export",
        broker=selection.broker,
        target=selection.described(),
        detail={"selection": selection.for_audit()}
        | ({"revealed": reveal or _may_reveal_some()} if settings.MQADMIN_MASKED else {}),
    ) as entry:
        entry.count = rows.count()
    return _lines(rows, reveal=reveal)


def may_reveal(by: Actor) -> bool:
    """Whether an actor may see the masked fields of all that they may export; and the shell."""
    if by.via in ("shell", "system"):
        return True
    if asking.now() is not None:
        return naming.reveals_all()
    user = User.objects.filter(username=by.name).first()
    return user is not None and permissions.rights(user).reveals()


def _may_reveal_some() -> bool:
    return asking.now() is not None and naming.reveals_some()


def _lines(rows: QuerySet[DeadLetter], *, reveal: bool) -> Iterator[bytes]:
    after = 0
    while ids := fitting(rows.filter(pk__gt=after).values_list("pk", "size")[:BATCH]):
        for letter in rows.filter(pk__in=ids):
            is_shown = reveal or (asking.now() is not None and revealing.may(letter))
            yield line(letter, masked=0 if is_shown else masking.hide(letter))
        after = ids[-1]


def line(letter: DeadLetter, *, masked: int = 0) -> bytes:
    """Return one letter as a line of JSON, in ASCII, with its line break. `masked`: so many values are hidden in
    it; what was there before an edit is left out then, and the line is in no format that is imported."""
    values: dict[str, Any] = {"mqadmin_letter": FORMAT, "id": letter.pk}
    if masked:
        values |= {"mqadmin_letter": MASKED, "masked": masked}
        letter.original = None
    for name in FIELDS:
        value = getattr(letter, name)
        values[name] = value.isoformat() if isinstance(value, datetime) else value
    values["body"] = base64.b64encode(bytes(letter.body)).decode()
    return json.dumps(values, ensure_ascii=True, allow_nan=False).encode() + b"\n"
