"""Signing in and out, and one's own password: Django's views, with what the audit log says of them.

Whoever has a second factor is asked for it by `mqadmin.accounts.two_factor` before they are in.
"""

from __future__ import annotations

from typing import Any

from axes.helpers import get_lockout_response
from django.conf import settings
from django.contrib.auth import login, views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import get_script_prefix, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from mqadmin.core.access import addresses, known, limits, second_factor, sign_on, telling
from mqadmin.core.acts import audit
from mqadmin.core.pages.forms import SignInForm

FAULT = "sign_on_fault"  # in the session: why a sign-on came to nothing, for the page that one is back on
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignIn(views.LoginView):
    """A wrong password is counted and told by `mqadmin.core.access.handler`."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:  # noqa: ARG002  # Django gives none
        """Return the address that `next` names, if it is one of ours: on the same host others may be at work."""
        wanted = super().get_redirect_url()
        return wanted if wanted.startswith(get_script_prefix()) else ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say which ways in there are, and why the last try of another one came to nothing."""
        return super().get_context_data(**kwargs) | {
            "fault": self.request.session.pop(FAULT, ""),
            "provider": settings.MQADMIN_OIDC_NAME if sign_on.by_provider() else "",
            "has_passwords": settings.MQADMIN_LOCAL_ACCOUNTS,
            "has_passkeys": second_factor.are_passkeys(),
        }

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, and know this browser from now on; whoever has a second factor gives it first."""
        user = form.get_user()
        if second_factor.has(user):
            second_factor.hold(self.request, user, self.get_success_url())
            return redirect("second_factor")
        return entered(self.request, user, self.get_success_url())


def entered(request: HttpRequest, user: User, to: str, by: str = "") -> HttpResponse:
    """Sign in somebody who proved who they are and go on; `by`: the second factor, or the key, that they gave."""
    name = user.get_username()
    detail = {"second_factor": by} if by else {}
    with telling.act(request, action=known.SIGN_IN, name=name, words="signed in", **detail):
        login(request, user, backend=_BACKEND)
    second_factor.passed(request, by)
    request.session.set_expiry(None)  # a way to the provider that was begun before had set one
    response = redirect(to)
    known.remember(request, response, name)
    return response


class SignOut(views.LogoutView):
    """By POST only."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """End the session; that of the proxy or the provider too, where it says where."""
        name = request.user.get_username()
        elsewhere = settings.MQADMIN_SIGN_OUT_URL if sign_on.KEY in request.session else ""
        provider = request.session.get(sign_on.PROVIDER) or {}
        with telling.act(request, action="user.sign_out", name=name, words="signed out"):
            response = super().post(request, *args, **kwargs)
        if provider.get("leave_at"):
            return _left(request, provider["leave_at"])
        return redirect(elsewhere) if elsewhere else response


def _left(request: HttpRequest, leave_at: str) -> HttpResponse:
    """Say that one is signed out, and go on to the provider. A redirect would not do: browsers let a form lead
    nowhere but to addresses that the page named, and a provider sends on through whatever hosts it has."""
    asked = {
        "client_id": settings.MQADMIN_OIDC_CLIENT_ID,
        "post_logout_redirect_uri": request.build_absolute_uri(reverse("login")),
    }
    there = f"{leave_at}{'&' if '?' in leave_at else '?'}{urlencode(asked)}"
    return render(request, "core/signed_out.html", {"there": there, "provider": settings.MQADMIN_OIDC_NAME})


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
