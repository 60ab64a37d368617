"""A session that was left open changes no second factor: the password is asked for, unless it was just given."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from mqadmin.accounts.two_factor.forms import PasswordForm
from mqadmin.core.access import addresses, limits, second_factor, telling
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering

P = ParamSpec("P")
CONFIRM = "user.second_factor_confirm"
HOLDS_S = 900.0


def own(request: HttpRequest) -> User:
    """Return who is signed in."""
    assert isinstance(request.user, User)  # each page needs somebody
    return request.user


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the password was given a little while ago: at the sign-in, or since."""
    given = request.session.get(second_factor.CONFIRMED, 0.0)
    return bool(0 <= time.time() - given <= HOLDS_S)


def confirmed(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view that changes second factors."""

    @wraps(view)
    def inside(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if is_confirmed(request):
            return view(request, *args, **kwargs)
        to = request.get_full_path() if request.method == "GET" else reverse("two_factor")
        return redirect(f"{reverse('two_factor_confirm')}?{urlencode({'next': to})}")

    return inside


@never_cache
@require_http_methods(["GET", "POST"])
def two_factor_confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the password. It may be wrong as often as where one changes it."""
    to = rendering.next_address(request, reverse("two_factor"))
    user = own(request)
    form = PasswordForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "next": to}
    if not user.has_usable_password():
        return redirect("two_factor")
    if not form.is_valid():
        return rendering.page(request, "accounts/two_factor/confirm.html", context)
    name = user.get_username()
    place = limits.Place(name, addresses.site(addresses.client(request)), "password")
    if not limits.locked(place) and user.check_password(form.cleaned_data["password"]):
        limits.succeeded(place)
        request.session[second_factor.CONFIRMED] = time.time()
        return redirect(to)
    return _wrong(request, form, place, context)


def _wrong(
    request: HttpRequest, form: PasswordForm, place: limits.Place, context: dict[str, object]
) -> HttpResponse:
    if not limits.locked(place):
        limits.failed(place)
        reason, by = _("the password was wrong"), audit.actor(request)
        telling.refused(request, action=CONFIRM, by=by, name=place.name, reason=reason)
        if lock := limits.locked(place):
            telling.locked_out(request, name=place.name, lock=lock)
    if limits.locked(place):
        minutes = limits.wait().total_seconds() / 60
        text = _("Too many wrong passwords. Wait %(n)g minutes: what is tried before is not looked at.")
        form.add_error(None, text % {"n": minutes})
        return rendering.page(request, "accounts/two_factor/confirm.html", context, status=429)
    form.add_error("password", _("That is not your password."))
    return rendering.page(request, "accounts/two_factor/confirm.html", context, status=422)
