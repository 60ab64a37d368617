"""Signing in and out, and one's own password: Django's views, with what the audit log says of them."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_lockout_response
from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import get_script_prefix
from django.utils.translation import gettext as _

from mqadmin.core.access import addresses, known, limits, sign_on, telling
from mqadmin.core.acts import audit
from mqadmin.core.pages.forms import SignInForm


class SignIn(views.LoginView):
    """A wrong password is counted and told by `mqadmin.core.access.handler`."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:  # noqa: ARG002  # Django gives none
        """Return the address that `next` names, if it is one of ours: on the same host others may be at work."""
        wanted = super().get_redirect_url()
        return wanted if wanted.startswith(get_script_prefix()) else ""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, and know this browser from now on."""
        name = form.get_user().get_username()
        with telling.act(self.request, action=known.SIGN_IN, name=name, words="signed in"):
            response = super().form_valid(form)
        known.remember(self.request, response, name)
        return response


class SignOut(views.LogoutView):
    """By POST only."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """End the session."""
        name = request.user.get_username()
        elsewhere = settings.MQADMIN_SIGN_OUT_URL if sign_on.KEY in request.session else ""
        with telling.act(request, action="user.sign_out", name=name, words="signed out"):
            response = super().post(request, *args, **kwargs)
        return redirect(elsewhere) if elsewhere else response


class PasswordChange(views.PasswordChangeView):
    """The old password may be wrong as often as at the sign-in: a session left open is no way to guess it."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Change it, unless too many old ones were wrong."""
        if limits.locked(self._place()):
            return self._locked()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Change it."""
        name = self.request.user.get_username()
        with telling.act(self.request, action=telling.PASSWORD, name=name, words="changed their password"):
            response = super().form_valid(form)
        limits.succeeded(self._place())
        return response

    def form_invalid(self, form: PasswordChangeForm) -> HttpResponse:
        """Count an old password that was wrong."""
        if not form.has_error("old_password", "password_incorrect"):
            return super().form_invalid(form)
        place, by = self._place(), audit.actor(self.request)
        limits.failed(place)
        reason = _("the old password was wrong")
        telling.refused(self.request, action=telling.PASSWORD, by=by, name=by.name, reason=reason)
        lock = limits.locked(place)
        if not lock:
            return super().form_invalid(form)
        telling.locked_out(self.request, name=by.name, lock=lock)
        return self._locked()

    def _place(self) -> limits.Place:
        site = addresses.site(addresses.client(self.request))
        return limits.Place(self.request.user.get_username(), site, "password")

    def _locked(self) -> HttpResponse:
        response: HttpResponse = get_lockout_response(
            self.request, None, {"username": self.request.user.get_username()}
        )
        return response
