"""What the pages show of an act that waits: by level what it would do, and what this person may do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.approvals.acts import deciding, standing
from mqadmin.approvals.gate.size import Size
from mqadmin.approvals.models import Approval
from mqadmin.core.pages import words
from mqadmin.core.tones import Tone

_TONES: dict[str, Tone] = {"loses": "red", "stops": "amber", "unknown": "amber", "tells": "grey"}


@dataclass(frozen=True)
class Row:
    """An act that waits, or waited. `size`, `who`: in words."""

    approval: Approval
    size: str
    is_own: bool

    @property
    def decided(self) -> str:
        """Who decided it, and how; "" while nobody did."""
        item = self.approval
        if not item.decided_by:
            return ""
        if item.is_alone:
            return _("alone by %(who)s") % {"who": item.decided_by}
        agreed = item.stage in (Approval.Status.DONE, Approval.Status.DOING, Approval.Status.FAILED)
        text = _("approved by %(who)s") if agreed else _("by %(who)s")
        return text % {"who": item.decided_by}


def row(approval: Approval, user: Any) -> Row:
    """Return what lists show."""
    size = Size(approval.messages, approval.objects_touched).words()
    return Row(approval, size, standing.is_own(approval, user))


def detail(approval: Approval, user: Any) -> dict[str, Any]:
    """Return what its page shows, as whoever looks sees it."""
    is_own = standing.is_own(approval, user)
    denied = standing.denial(approval, user)
    return {
        "approval": approval,
        "size": Size(approval.messages, approval.objects_touched).words(),
        "action": words.act(approval.act),
        "levels": levels(approval.foretold),
        "is_own": is_own,
        "denied": denied,
        "may_decide": approval.is_waiting and not is_own and not denied,
        "may_take_back": approval.is_waiting and is_own,
        "may_go_alone": approval.is_waiting and not denied and deciding.may_go_alone(approval, user),
        "is_open": approval.stage in (Approval.Status.WAITING, Approval.Status.DOING),
    }


def levels(foretold: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return the sentences of a dry run by level, the worst first."""
    titles = {
        "loses": _("Lost"),
        "stops": _("Stops"),
        "unknown": _("Cannot be told"),
        "tells": _("To be known"),
    }
    found = []
    for level, title in titles.items():
        sentences = [item["text"] for item in foretold if item["level"] == level]
        if sentences:
            found.append({"title": title, "tone": _TONES[level], "sentences": sentences})
    return found
