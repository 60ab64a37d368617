"""Passkeys: what a browser is asked, what it answers. Each question is answered once, in the session that asked."""

from __future__ import annotations

import json
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.errors import Refusal

LONGEST = 20_000  # characters of an answer
LONGEST_NAME = 60
MOST = 20  # of one account
_KEY = Authenticator.Type.WEBAUTHN


def asked_to_make(user: User) -> dict[str, Any]:
    """Return what a browser is asked so that it makes a key: one that it finds itself, with a finger or a PIN."""
    return _plain(auth.begin_registration(user, True))


def asked_to_prove(user: User | None) -> dict[str, Any]:
    """Return what a browser is asked so that it proves a key: of this account, or (None) of whomever it knows."""
    return _plain(auth.begin_authentication(user))


def made(user: User, answer: str, name: str) -> Authenticator:
    """Store the key that a browser made. Raises Refusal (422)."""
    credential = _read(answer)
    try:
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError):
        raise _refused() from None
    with transaction.atomic():
        if Authenticator.objects.filter(user=user, type=_KEY).count() >= MOST:
            raise Refusal(_("That are enough passkeys: remove one first."), "invalid", status=422)
        if of_credential(credential) is not None:
            raise Refusal(_("This passkey is known already."), "invalid", status=422)
        row: Authenticator = auth.WebAuthn.add(
            user, name.strip()[:LONGEST_NAME] or _("Passkey"), credential
        ).instance
    return row


def proved(user: User | None, answer: str) -> Authenticator:
    """Return the key that a browser proved: of this account, or (None) of the one that it belongs to.

    Raises Refusal (422).
    """
    credential = _read(answer)
    row = of_credential(credential)
    if row is None or (user is not None and row.user_id != user.pk):
        raise Refusal(_("This passkey is not known here: it may have been removed."), "invalid", status=422)
    try:
        auth.parse_authentication_response(credential)
        auth.complete_authentication(row.user, credential)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError):
        raise _refused() from None
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return row


def of_credential(credential: dict[str, Any]) -> Authenticator | None:
    """Return the key that an answer is of, whosever it is."""
    found = credential.get("id")
    rows = Authenticator.objects.select_related("user").filter(type=_KEY)
    return rows.filter(data__credential__id=found).first() if isinstance(found, str) and found else None


def _read(answer: str) -> dict[str, Any]:
    try:
        found = json.loads(answer) if len(answer) <= LONGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _refused()
    return found


def _refused() -> Refusal:
    return Refusal(
        _("That passkey did not open: the browser or the key gave up, or it took too long. Try again."),
        "invalid",
        status=422,
    )


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Return the question as JSON has it, with bytes in base64url, as the library's own encoder writes them."""
    found: dict[str, Any] = json.loads(json.dumps(options, default=dict))
    return found
