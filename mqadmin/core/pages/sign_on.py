"""A session for who signed on at a proxy, for as long as the proxy says that they are there; or at a provider."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import login, logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from mqadmin.core.access import known, sign_on, telling
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import faults

_BACKEND = "django.contrib.auth.backends.ModelBackend"
_BY_THEMSELVES = ("/healthz", "/metrics", "/api/")  # calls that bring a token, or need none


class SignOnMiddleware:
    """Behind Django's own for sessions and accounts. What the header says counts more than who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            self._look(request)
        except Refusal as refusal:
            title = _("You signed on, but cannot come in")
            return faults.respond(request, refusal.status, refusal.code, title, refusal.text)
        return self.get_response(request)

    def _look(self, request: HttpRequest) -> None:
        if request.path_info.startswith(_BY_THEMSELVES) and (
            "Authorization" in request.headers or request.path_info == "/healthz"
        ):
            return
        who = sign_on.told(request)
        if who is None:
            self._leave(request)
        elif request.session.get(sign_on.KEY) != who.key or not request.user.is_authenticated:
            self._enter(request, who)

    def _enter(self, request: HttpRequest, who: sign_on.SignedOn) -> None:
        user = sign_on.account(who)
        with telling.act(request, action=known.SIGN_IN, name=who.name, words="signed on at the proxy"):
            login(request, user, backend=_BACKEND)
            request.session[sign_on.KEY] = who.key

    def _leave(self, request: HttpRequest) -> None:
        """End a session whose way in is no more: the proxy names nobody, nobody signs on there or at the provider
        any more, that was too long ago, or passwords were switched off."""
        # Whose name is read only where passwords are off: it is a query that not each address needs.
        if (
            sign_on.KEY in request.session
            or sign_on.is_over(request.session)
            or not (
                settings.MQADMIN_LOCAL_ACCOUNTS
                or sign_on.PROVIDER in request.session
                or request.user.is_anonymous
                or sign_on.may_use_password(request.user.get_username())
            )
        ):
            logout(request)
