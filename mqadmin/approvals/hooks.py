"""What approvals add to the rest: an entry of the sidebar with its number, what needs attention, upkeep."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.approvals.acts import closing, restored, standing
from mqadmin.approvals.gate import lately, size
from mqadmin.approvals.models import Approval
from mqadmin.core import hooks
from mqadmin.core.hooks import Attention, Badge, Link
from mqadmin.core.pages.formats import number
from mqadmin.core.permissions import User

MOST_NAMED = 3  # acts that the overview names


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    hooks.register_retention(closing.step)
    hooks.register_retention(lately.forget)
    hooks.register_restored(restored.stand_down)
    hooks.register_attention(attention)
    hooks.register_nav_badge("approvals", badge)
    hooks.register_nav_shown("approvals", size.is_on)


def waiting(broker: str) -> QuerySet[Approval]:
    """Return what somebody may agree to now, the oldest first."""
    now = timezone.now()
    rows = Approval.objects.filter(status=Approval.Status.WAITING, broker=broker, expires_at__gt=now)
    return rows.order_by("id")


def badge(broker: str) -> Badge | None:
    """Return how many wait on a broker; where four eyes are off nobody is asked."""
    count = waiting(broker).count() if size.limit_of(broker) else 0
    return Badge(number(count), "amber", (count,)) if count else None


def attention(broker: str, user: User) -> Iterator[Attention]:
    """Name the acts that somebody else waits with for this person."""
    others = waiting(broker).exclude(asker_id=user.pk)
    for approval in others[:MOST_NAMED] if size.limit_of(broker) else ():
        if not standing.denial(approval, user):
            href = reverse("approval_detail", args=[approval.pk])
            yield Attention(
                "watch",
                _("%(who)s waits for a second person") % {"who": approval.asked_by},
                approval.summary,
                [Link(_("Look at it"), href, primary=True)],
                since=approval.asked_at,
            )
