"""That somebody saw masked fields of a letter is written down, on whichever way they asked."""

from __future__ import annotations

from contextlib import AbstractContextManager

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.models import DeadLetter


def act(*, letter: DeadLetter, by: Actor, to: str = "") -> AbstractContextManager[AuditEntry]:
    """Audit what shows a letter with its masked fields in the block, and `to` do what; see `audit.act`."""
    return audit.act(
        by=by,
        action="dead_letters.reveal",
        broker=letter.broker,
        target=letters.described(letter),
        count=1,
        detail={"letter": letter.pk} | ({"to": to} if to else {}),
    )
