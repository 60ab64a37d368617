"""What django-axes asks before a sign-in and tells after it: our limits stand behind its backend and middleware.

Its own handler keeps what was sent with each failure, without bound, lets every try renew a lock, and knows one
limit for all: only what its commands need of it is inherited.
"""

from __future__ import annotations

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mqadmin.core.access import known, limits, telling
from mqadmin.core.acts import audit

Credentials = dict[str, Any] | None


class SignIns(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """Set as `AXES_HANDLER`. Raises django.db.Error: nobody signs in without being counted."""

    def is_allowed(self, request: HttpRequest, credentials: Credentials = None) -> bool:
        """Whether the password is looked at."""
        return not self.is_locked(request, credentials)

    def is_locked(self, request: HttpRequest, credentials: Credentials = None) -> bool:
        """Whether this place, or what it is part of, is locked for the name that was given."""
        return bool(limits.locked(limits.place(request, _name(credentials))))

    def get_failures(self, request: HttpRequest, credentials: Credentials = None) -> int:
        """Return the wrong passwords of this place."""
        return limits.failures(limits.place(request, _name(credentials)))

    def user_login_failed(
        self, _sender: Any, credentials: Credentials, request: Any = None, **_kwargs: Any
    ) -> None:
        """Count and tell a wrong password; during a lock there was none, only a try that was not looked at."""
        if request is None:
            return
        request.axes_credentials = credentials  # for the page that its middleware shows
        if request.axes_locked_out:
            return
        name = _name(credentials)
        place = limits.place(request, name)
        limits.failed(place)
        telling.refused(
            request,
            action=known.SIGN_IN,
            by=audit.Actor("anonymous"),
            name=name,
            reason=_("name and password do not belong together"),
        )
        lock = limits.locked(place)
        if lock:
            request.axes_locked_out = True
            telling.locked_out(request, name=name, lock=lock)

    def user_logged_in(self, _sender: Any, request: HttpRequest, user: User, **_kwargs: Any) -> None:
        """Forget this place's failures."""
        limits.succeeded(limits.place(request, user.get_username()))

    def reset_attempts(
        self, *, ip_address: str | None = None, username: str | None = None, ip_or_username: bool = False
    ) -> int:
        """Lift locks, as `manage.py axes_reset` and its like ask for: of a name, of an address, of all."""
        detail = {"name": username or "", "locked_address": ip_address or ""}
        target = " ".join(filter(None, (username, ip_address))) or _("everybody")
        with telling.by_command(action="user.unlock", target=target, detail=detail) as entry:
            entry.count = super().reset_attempts(
                ip_address=ip_address, username=username, ip_or_username=ip_or_username
            )
        return int(entry.count or 0)

    def user_logged_out(self, _sender: Any, request: HttpRequest, user: User | None, **_kwargs: Any) -> None:
        """Nothing is kept of a session that has to be ended."""


def _name(credentials: Credentials) -> str:
    return str((credentials or {}).get("username") or "")
