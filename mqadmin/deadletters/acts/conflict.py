"""Two people, one button: the second is told who was faster, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import ago
from mqadmin.core.rights import asking
from mqadmin.deadletters.search.selection import Selection

_RECENT = timedelta(minutes=10)
_CODES = ("nothing_to_do", "count_changed")


@contextmanager
def explained(letters: Selection, by: Actor) -> Iterator[None]:
    """Let a refusal for letters that are no longer as they were say who decided them. Raises Refusal."""
    try:
        yield
    except Refusal as refusal:
        with asking.needing("view"):  # one's own acts can be seen, also of what one may not operate
            before = _before(letters) if refusal.code in _CODES else None
        if before is None:
            raise
        values = {"who": before.created_by, "what": before.summary, "ago": ago(before.created_at)}
        if before.created_by == by.name:
            words = _("You were there already: “%(what)s”, %(ago)s ago.")
        else:
            words = _("%(who)s was faster: “%(what)s”, %(ago)s ago.")
        text = prose.paragraph((words % values, refusal.text))
        raise Refusal(text, refusal.code, status=refusal.status, fields=refusal.fields) from refusal


def _before(letters: Selection) -> Operation | None:
    """Return the act that decided them: of ticked letters their own, else the broker's newest."""
    recent = Operation.objects.filter(
        broker=letters.broker, kind__startswith="dead_letters.", created_at__gte=timezone.now() - _RECENT
    ).order_by("-pk")
    if letters.filter is None:
        own = letters.rows().exclude(operation=None).order_by().values("operation")
        recent = recent.filter(pk__in=own)
    return recent.first()
