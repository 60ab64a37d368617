"""Whose act it is, what it is called in the audit log, and why it can be decided no more."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from mqadmin.approvals.models import Approval
from mqadmin.core import permissions
from mqadmin.core.errors import Refusal
from mqadmin.core.rights.rules import LEVELS, Needed


def is_own(approval: Approval, user: Any) -> bool:
    """Whether this account asked for it: by its id, whatever it is called now, and by the name it had then."""
    return bool(user.pk == approval.asker_id or user.get_username() == approval.asked_by)


def denial(approval: Approval, user: Any) -> str:
    """Return "" where this account may do as much with what it is about, else why not."""
    needed: Needed = approval.needs  # type: ignore[assignment]  # written from `gate.kinds`
    held = permissions.rights(user).level(approval.broker, approval.vhost or None, approval.queue or None)
    return "" if held >= LEVELS[needed] else permissions.denied(needed)


def check(approval: Approval, user: Any) -> None:
    """Raise PermissionDenied for who may not do as much."""
    if reason := denial(approval, user):
        raise PermissionDenied(reason)


def target(approval: Approval) -> str:
    """Return what the audit log calls it."""
    return f"approval {approval.pk}: {approval.summary}"


def refusal(approval: Approval) -> Refusal:
    """Return why it can be decided no more: somebody was faster, or its time is over."""
    by = {"who": approval.decided_by}
    words = {
        Approval.Status.DOING: _("%(who)s was faster: it is being done."),
        Approval.Status.DONE: _("%(who)s was faster: it was done."),
        Approval.Status.FAILED: _("%(who)s was faster, and it could not be done."),
        Approval.Status.REFUSED: _("%(who)s refused it."),
        Approval.Status.TAKEN_BACK: _("%(who)s took it back."),
    }
    text = words.get(approval.stage, _("Its time is over: nobody agreed to it. Ask for it anew."))
    return Refusal(text % by, "wrong_state")
