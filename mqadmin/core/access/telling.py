"""What is told of getting in: an entry of the audit log with the address, and a line that names who and from where.

Names come from strangers. The line quotes them, so that none can end it or pretend to be its next word.
"""

from __future__ import annotations

import getpass
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mqadmin.core.access import addresses
from mqadmin.core.access.limits import LONGEST_NAME, Lock, wait
from mqadmin.core.acts import audit
from mqadmin.core.models import AuditEntry

log = logging.getLogger(__name__)

SHELL = audit.Actor("manage.py", "shell")
PASSWORD = "user.password"  # noqa: S105  # the name of an act
CREATE = "user.create"
_NEW = "_is_new_account"
_is_told: ContextVar[bool] = ContextVar("the new password is told already", default=False)


@contextmanager
def act(request: HttpRequest, *, action: str, name: str, words: str, **detail: object) -> Iterator[None]:
    """Audit what somebody who is known does about their own account; `words`: what the log says they did."""
    address = addresses.client(request)
    with told(), audit.act(by=audit.Actor(name), action=action, detail={"address": address, **detail}):
        yield
    log.info("%s %s from %s", _quoted(name), words, _from(address))


def refused(request: HttpRequest, *, action: str, by: audit.Actor, name: str, reason: str) -> None:
    """A wrong password."""
    address = addresses.client(request)
    audit.note(
        by=by,
        action=action,
        outcome=AuditEntry.Outcome.REFUSED,
        target=visible(name),
        reason=reason,
        detail={"address": address},
    )
    log.warning("%s refused: %s from %s: %s", action, _quoted(name), _from(address), reason)


def locked_out(request: HttpRequest, *, name: str, lock: Lock) -> None:
    """The wrong password that was one too many."""
    address, minutes = addresses.client(request), wait().total_seconds() / 60
    for_what = {
        "browser": _("for this name in this browser"),
        "pair": _("for this name from this address"),
        "name": _("for this name"),
        "address": _("from this address"),
        "code": _("for this name"),
    }[lock or "pair"]
    text = (
        _("Too many wrong codes of a second factor %(for)s: no more for %(n)g minutes.")
        if lock == "code"
        else _("Too many wrong passwords %(for)s: no more for %(n)g minutes.")
    )
    reason = text % {"for": for_what, "n": minutes}
    audit.note(
        by=audit.SYSTEM,
        action="user.lock_out",
        outcome=AuditEntry.Outcome.DONE,
        target=visible(name),
        reason=reason,
        detail={"address": address, "lock": lock},
    )
    log.warning("locked out: %s from %s: %s", _quoted(name), _from(address), reason)


def shell() -> dict[str, Any]:
    """Return from where a command is given, for the `detail` of its entry."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in a container
        account = str(os.getuid())
    remote = addresses.read(os.environ.get("SSH_CONNECTION", "").partition(" ")[0])
    return {"address": str(remote or ""), "account": account, "host": socket.gethostname()}


@contextmanager
def by_command(
    *, action: str, target: str, detail: dict[str, Any], count: int | None = None
) -> Iterator[AuditEntry]:
    """Audit what a command of `manage.py` does about accounts and tokens, with who gave it and from where."""
    given = detail | shell()
    with told(), audit.act(by=SHELL, action=action, target=target, count=count, detail=given) as entry:
        yield entry


class PasswordChanges:
    """A validator that takes every password, and is told by Django of each that was changed, whatever the way.

    Those of the pages and commands are audited there; this is for `changepassword`, a shell and the like.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Take it."""

    def get_help_text(self) -> str:
        """Nothing to heed."""
        return ""

    def password_changed(self, password: str, user: User) -> None:  # noqa: ARG002
        """Audit it, unless that is done already or the account is only being made."""
        if not _is_told.get() and not user.__dict__.pop(_NEW, False):
            name = user.get_username()
            audit.note(
                by=SHELL, action=PASSWORD, outcome=AuditEntry.Outcome.DONE, target=name, detail=shell()
            )


def note_new(instance: User, created: bool, **_kwargs: Any) -> None:
    """Receiver of `post_save`: the first password of an account is not a change of it.

    An account that may do everything is told of, whatever way it was made: `createsuperuser` is Django's.
    """
    if created and instance._password:  # type: ignore[attr-defined]
        setattr(instance, _NEW, True)
    if created and instance.is_superuser and not _is_told.get():
        detail = {"superuser": True} | shell()
        name = instance.get_username()
        audit.note(by=SHELL, action=CREATE, outcome=AuditEntry.Outcome.DONE, target=name, detail=detail)


def visible(text: str) -> str:
    """Return `text`, at most as long as a name, with what does not show written as an escape."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text[:LONGEST_NAME]
    )


@contextmanager
def told() -> Iterator[None]:
    """Within, a new password or a new account is told by who makes it, and not once more by what notices all."""
    token = _is_told.set(True)
    try:
        yield
    finally:
        _is_told.reset(token)


def _quoted(name: str) -> str:
    return repr(name[:LONGEST_NAME])


def _from(address: str) -> str:
    return address or "an unknown address"
