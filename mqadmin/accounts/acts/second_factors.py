"""Second factors: taken away by their owner, or by an admin for who lost theirs."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from mqadmin.core.access import second_factor
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal


def take_away(*, by: Actor, user: User) -> int:
    """Take all second factors of an account away, its recovery codes too; return how many factors there were.

    Raises Refusal (409) for one's own account: there the password is asked for.
    """
    if by.name == user.get_username() and by.via != "shell":
        text = _("Change your own second factor under your name: the password is asked for there.")
        raise Refusal(text, "own_account")
    detail = {"factors": second_factor.kinds(user)}
    with audit.act(by=by, action=second_factor.REMOVE, target=user.get_username(), detail=detail) as entry:
        entry.count = _all(user)
    return int(entry.count or 0)


def remove(*, by: Actor, user: User, factor_id: int) -> None:
    """Take one factor of an account away, and with the last one the recovery codes.

    Raises Refusal: 404 for none of theirs, 409 for the last one of who must have one.
    """
    rows = Authenticator.objects.filter(user=user, type__in=second_factor.KINDS)
    row = rows.filter(pk=factor_id).first()
    if row is None:
        raise Refusal(_("You have no such second factor."), "not_found", status=404)
    with (
        audit.act(
            by=by, action=second_factor.REMOVE, target=user.get_username(), detail={"factors": [row.type]}
        ),
        transaction.atomic(),
    ):
        # One at a time until the transaction ends: else two tabs could each leave the other's.
        User.objects.select_for_update().get(pk=user.pk)
        is_last = not rows.exclude(pk=row.pk).exists()
        if is_last and second_factor.must(user):
            text = _("Your account must have a second factor: set up another one first.")
            raise Refusal(text, "second_factor_needed")
        row.delete()
        if is_last:
            _all(user)


def _all(user: User) -> int:
    rows = Authenticator.objects.filter(user=user)
    count: int = rows.filter(type__in=second_factor.KINDS).count()
    rows.delete()
    return count
