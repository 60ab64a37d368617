"""That somebody saw masked fields of a letter is written down, on whichever way they asked."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry
from mqadmin.core.rights import naming
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.models import DeadLetter


def may(letter: DeadLetter) -> bool:
    """Whether who asks may see a letter's masked fields: by the queue that it lies in, or that it comes from."""
    return naming.reveals(letter.broker, letter.vhost, letter.dead_letter_queue, letter.source_queue)


def require(letter: DeadLetter) -> None:
    """Raise PermissionDenied where who asks may not see the masked fields of a letter."""
    if not may(letter):
        raise _denied()


def require_some() -> None:
    """Raise PermissionDenied for who may not see the masked fields of any letter, before one is looked for."""
    if not naming.reveals_some():
        raise _denied()


def _denied() -> PermissionDenied:
    return PermissionDenied(_("Your roles do not show you what is masked here."))


def act(*, letter: DeadLetter, by: Actor, to: str = "") -> AbstractContextManager[AuditEntry]:
    """Audit what shows a letter with its masked fields in the block, and `to` do what; see `audit.act`.

    Whether who asks may see them is asked before: `require`.
    """
    return audit.act(
        by=by,
        action="dead_letters.reveal",
        broker=letter.broker,
        target=letters.described(letter),
        count=1,
        detail={"letter": letter.pk} | ({"to": to} if to else {}),
    )
