"""Whose account it is: linked to who the provider says they are, by its address and their subject, for good.

A name opens an account once, while it belongs to nobody at the provider: a name may be given to somebody else
there, a subject never is.
"""

from __future__ import annotations

import hashlib
from typing import cast

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from mqadmin.core.access import sign_on
from mqadmin.core.acts import audit

LINK = "user.link"
_LONGEST = 191  # characters of a subject, in the library's table


def account(who: sign_on.SignedOn, *, issuer: str, subject: str) -> User:
    """Return the account of somebody at a provider, made or linked if it is their first time, with the role that
    their groups give. Raises Refusal (403): who cannot come in, and why."""
    uid = _uid(subject)
    link = SocialAccount.objects.select_related("user").filter(provider=issuer, uid=uid).first()
    if link is None:
        return sign_on.settled(_linked(who, issuer, uid), who)
    return sign_on.settled(link.user, who)


def _linked(who: sign_on.SignedOn, issuer: str, uid: str) -> User:
    """Return the account of this name, linked from now on. Raises Refusal for one that belongs to somebody else."""
    user = sign_on.named(who)
    detail = {"issuer": issuer}
    with audit.act(by=audit.SYSTEM, action=LINK, target=user.get_username(), detail=detail):
        try:
            return _link(user, issuer, uid)
        except IntegrityError:  # another request of theirs was first
            link = SocialAccount.objects.select_related("user").get(provider=issuer, uid=uid)
            return cast(User, link.user)


@transaction.atomic
def _link(named: User, issuer: str, uid: str) -> User:
    # One at a time until the transaction ends: else two of one name could both be linked.
    user = User.objects.select_for_update().get(pk=named.pk)
    sign_on.require_open(user)
    if SocialAccount.objects.filter(provider=issuer, user=user).exists():
        raise sign_on.refused(
            _(
                "The account %(name)s belongs to somebody else who signs on there. If that was you, under another "
                "identity: an admin can leave the account to the next who signs on by its name, on its page."
            )
            % {"name": user.get_username()}
        )
    SocialAccount.objects.create(provider=issuer, uid=uid, user=user)
    return user


def _uid(subject: str) -> str:
    if len(subject) <= _LONGEST:
        return subject
    return f"sha256:{hashlib.sha256(subject.encode()).hexdigest()}"
