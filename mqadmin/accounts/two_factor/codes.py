"""Codes: of an app, by time, and recovery codes, once each. A right one opens once, however many processes ask."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from django.contrib.auth.models import User
from django.db import transaction

from mqadmin.accounts.two_factor.adapter import Unreadable

Kind = Authenticator.Type
_COUNTER = "counter"  # of an app's factor: the step of time of the last code that opened


@dataclass(frozen=True)
class Setting:
    """What an app is set up by: scanned as a picture (`svg`, an address for an image), or typed in."""

    secret: str
    url: str
    svg: str

    @property
    def typed(self) -> str:
        """The secret in groups, as one types it."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))


def kind_of(user: User, code: str) -> str:
    """Use up a code; return of which kind it was, "" for a wrong one or one that was used before.

    Raises Unreadable where what is stored was encrypted under another key and nothing else took the code.
    """
    unreadable = False
    with transaction.atomic():
        # One at a time until the transaction ends: the same code from two tabs, or two thieves, opens one.
        rows = Authenticator.objects.select_for_update().filter(
            user=user, type__in=(Kind.TOTP, Kind.RECOVERY_CODES)
        )
        for row in rows.order_by("-type"):
            try:
                if _use(row, code):
                    row.record_usage()
                    return str(row.type)
            except Unreadable:
                unreadable = True
    if unreadable:
        raise Unreadable
    return ""


def _use(row: Authenticator, code: str) -> bool:
    if row.type == Kind.RECOVERY_CODES:
        return bool(RecoveryCodes(row).validate_code(code))
    step = step_of(decrypt(row.data["secret"]), code)
    if step is None or step <= row.data.get(_COUNTER, -1):
        return False
    row.data[_COUNTER] = step
    row.save(update_fields=["data"])
    return True


def step_of(secret: str, code: str) -> int | None:
    """Return the step of time that a code is of, None for a wrong one."""
    for step in totp.yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, step))):
            return int(step)
    return None


def setting(user: User, secret: str) -> Setting:
    """Return how an app is set up with a secret; it is asked for within `library.asking`."""
    adapter = get_adapter()
    url = adapter.build_totp_url(user, secret)
    picture = base64.b64encode(adapter.build_totp_svg(url).encode()).decode()
    return Setting(secret, url, f"data:image/svg+xml;base64,{picture}")


def sealed(user: User, secret: str) -> str:
    """Return a secret as the form that sets an app up carries it: nobody else can read it, or use it for another
    account."""
    return str(get_adapter().encrypt(f"{user.pk} {secret}"))


def unsealed(user: User, text: str) -> str:
    """Return the secret that was sealed for an account, "" for none."""
    try:
        owner, _sign, secret = str(get_adapter().decrypt(text)).partition(" ")
    except Unreadable:
        return ""
    return secret if owner == str(user.pk) else ""


def new_secret() -> str:
    """Return a secret for an app."""
    return str(totp.generate_totp_secret())


def add_app(user: User, secret: str, step: int) -> None:
    """Give an account an app with a secret. The code of `step`, which proved that the app has it, is used up."""
    row = totp.TOTP.activate(user, secret).instance
    row.data[_COUNTER] = step
    row.save(update_fields=["data"])


def new_recovery_codes(user: User) -> list[str]:
    """Give an account recovery codes in place of those that it had, and return them."""
    Authenticator.objects.filter(user=user, type=Kind.RECOVERY_CODES).delete()
    return [f"{code[:4]}-{code[4:]}" for code in RecoveryCodes.activate(user).get_unused_codes()]


def left(user: User) -> int | None:
    """Return how many recovery codes an account has left, None where it has none or they cannot be read."""
    row = Authenticator.objects.filter(user=user, type=Kind.RECOVERY_CODES).first()
    try:
        return len(RecoveryCodes(row).get_unused_codes()) if row else None
    except Unreadable:
        return None
