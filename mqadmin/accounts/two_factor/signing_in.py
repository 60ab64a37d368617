"""The second step of a sign-in, and signing in by a passkey alone."""

from __future__ import annotations

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.accounts.two_factor import codes, passkeys
from mqadmin.accounts.two_factor.adapter import Unreadable
from mqadmin.accounts.two_factor.forms import CodeForm
from mqadmin.core.access import known, limits, second_factor, sign_on, telling
from mqadmin.core.access.library import known_to_library
from mqadmin.core.access.second_factor import HalfWay
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import account, rendering

log = logging.getLogger(__name__)


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
@known_to_library
def second_factor_view(request: HttpRequest) -> HttpResponse:
    """Ask who is half way in for a code or a key, and let them in."""
    who = second_factor.half_way(request)
    if who is None:
        return _begin_again(request)
    if request.method == "GET":
        return _page(request, who, CodeForm())
    if request.POST.get("answer"):
        return _by_key(request, who)
    place = limits.of_codes(who.user.get_username())
    if limits.locked(place):
        return _locked(request, who)
    form = CodeForm(request.POST)
    if not form.is_valid():
        return _page(request, who, form, status=422)
    try:
        kind = codes.kind_of(who.user, form.cleaned_data["code"])
    except Unreadable:
        log.error("the second factor of %r was encrypted under another SECRET_KEY", who.user.get_username())
        form.add_error(None, _unreadable())
        return _page(request, who, form, status=409)
    if not kind:
        return _wrong(request, who, form, place)
    limits.succeeded(place)
    return account.entered(request, who.user, who.to, kind)


@login_not_required
@never_cache
@require_GET
@known_to_library
def passkey_asked(request: HttpRequest) -> HttpResponse:
    """Return what the browser is to prove: a key of who is half way in, else whichever it has."""
    who = second_factor.half_way(request)
    if request.user.is_anonymous:  # what strangers ask for is not kept for weeks
        request.session.set_expiry(int(second_factor.HALF_WAY_S))
    return JsonResponse(passkeys.asked_to_prove(who.user if who else None))


@login_not_required
@never_cache
@require_POST
@known_to_library
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in by a passkey alone: the finger or the PIN that opens it is the second factor."""
    to = rendering.next_address(request, "")
    try:
        key = passkeys.proved(None, request.POST.get("answer", ""))
        user = key.user
        if not user.has_usable_password() or not sign_on.may_use_password(user.get_username()):
            raise Refusal(
                _("Passwords are switched off here: sign on the way your company does."), status=403
            )
        if not user.is_active:
            raise Refusal(_("Your account is switched off."), status=403)
    except Refusal as refusal:
        request.session[account.FAULT] = refusal.text
        query = f"?{urlencode({'next': to})}" if to else ""
        return redirect(f"{reverse('login')}{query}")
    return account.entered(request, user, to or resolve_url(settings.LOGIN_REDIRECT_URL), "webauthn")


def _by_key(request: HttpRequest, who: HalfWay) -> HttpResponse:
    try:
        passkeys.proved(who.user, request.POST["answer"])
    except Refusal as refusal:
        form = CodeForm()
        return _page(request, who, form, status=422, fault=refusal.text)
    return account.entered(request, who.user, who.to, "webauthn")


def _wrong(request: HttpRequest, who: HalfWay, form: CodeForm, place: limits.Place) -> HttpResponse:
    name = who.user.get_username()
    limits.failed(place)
    reason = _("the password was right, the code of the second factor was not")
    telling.refused(request, action=known.SIGN_IN, by=audit.Actor("anonymous"), name=name, reason=reason)
    if lock := limits.locked(place):
        telling.locked_out(request, name=name, lock=lock)
        return _locked(request, who)
    form.add_error("code", _("That code is not right, or it was used already. Take the next one."))
    return _page(request, who, form, status=422)


def _locked(request: HttpRequest, who: HalfWay) -> HttpResponse:
    minutes = limits.wait().total_seconds() / 60
    fault = _("Too many wrong codes. Wait %(n)g minutes: what is tried before is not looked at.") % {
        "n": minutes
    }
    return _page(request, who, CodeForm(), status=429, fault=fault)


def _page(
    request: HttpRequest, who: HalfWay, form: CodeForm, *, status: int = 200, fault: str = ""
) -> HttpResponse:
    kinds = second_factor.kinds(who.user)
    context = {
        "form": form,
        "fault": fault,
        "name": who.user.get_username(),
        "has_app": "totp" in kinds,
        "has_key": "webauthn" in kinds,
    }
    return render(request, "accounts/two_factor/second.html", context, status=status)


def _begin_again(request: HttpRequest) -> HttpResponse:
    if second_factor.HALF_WAY in request.session:
        del request.session[second_factor.HALF_WAY]
        request.session[account.FAULT] = _("That took too long. Give your password again.")
    return redirect("login")


def _unreadable() -> str:
    return _(
        "Your second factor cannot be read: the database was restored without the key that it was encrypted with. "
        "A passkey still opens; else an admin must take the second factor away, then you set it up again."
    )
