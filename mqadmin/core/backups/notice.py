"""What the pages say of a restored database, until somebody says that they know."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Restored


def standing() -> Restored | None:
    """Return the newest restore that nobody has dismissed. One query of a table that is empty, or nearly."""
    return Restored.objects.filter(dismissed_at=None).first()


def dismiss(*, restored: Restored, by: Actor) -> None:
    """Have the pages say it no more. Raises Refusal when somebody was first."""
    with audit.act(by=by, action="database.restore_dismiss", target=str(restored)):
        rows = Restored.objects.filter(pk__lte=restored.pk, dismissed_at=None)
        if not rows.update(dismissed_at=timezone.now(), dismissed_by=by.name):
            raise Refusal(_("Somebody has dismissed it already."), "wrong_state")
