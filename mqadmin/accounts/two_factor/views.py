"""One's own second factors: what there is, an app, passkeys, recovery codes. For accounts with a password."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.accounts.acts import second_factors
from mqadmin.accounts.two_factor import codes, passkeys
from mqadmin.accounts.two_factor.confirming import confirmed, own
from mqadmin.accounts.two_factor.forms import CodeForm, KeyForm
from mqadmin.core.access import limits, second_factor, telling
from mqadmin.core.access.library import known_to_library
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering

ADD, CODES = "user.second_factor_add", "user.recovery_codes"


@dataclass(frozen=True)
class Factor:
    """A factor as the page shows it."""

    row: Authenticator
    is_app: bool
    name: str


@never_cache
@require_GET
def two_factor(request: HttpRequest) -> HttpResponse:
    """Show one's second factors, and what can be added."""
    return _index(request)


@never_cache
@require_http_methods(["GET", "POST"])
@confirmed
@known_to_library
def two_factor_app(request: HttpRequest) -> HttpResponse:
    """Set up an app: show what it scans, and take its first code."""
    user = _local(request)
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        raise Refusal(_("You have an app already: remove it first, then set up the new one."))
    # It travels in the form, which only we can read: opening the page stores nothing.
    secret = codes.unsealed(user, request.POST.get("sealed", "")) or codes.new_secret()
    form = CodeForm(request.POST if request.method == "POST" else None)
    context = {
        "form": form,
        "setting": codes.setting(user, secret),
        "sealed": codes.sealed(user, secret),
    }
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return rendering.page(request, "accounts/two_factor/app.html", context, status=status)
    step = codes.step_of(secret, form.cleaned_data["code"])
    if step is None:
        form.add_error(
            "code", _("That code is not right. Take the one that the app shows now; is its clock right?")
        )
        return rendering.page(request, "accounts/two_factor/app.html", context, status=422)
    before = second_factor.has(user)
    with _telling(request, "totp"), transaction.atomic():
        codes.add_app(user, secret, step)
    return _added(request, "totp", is_first=not before)


@never_cache
@require_GET
@confirmed
@known_to_library
def two_factor_key_asked(request: HttpRequest) -> HttpResponse:
    """Return what the browser is asked so that it makes a passkey."""
    return JsonResponse(passkeys.asked_to_make(_local(request)))


@never_cache
@require_POST
@confirmed
@known_to_library
def two_factor_key(request: HttpRequest) -> HttpResponse:
    """Take the passkey that a browser made."""
    user = _local(request)
    form = KeyForm(request.POST)
    before = second_factor.has(user)
    try:
        if not form.is_valid():
            raise Refusal(_("Your browser made no passkey."), "invalid", status=422)
        with _telling(request, "webauthn"):
            passkeys.made(user, form.cleaned_data["answer"], form.cleaned_data["name"])
    except Refusal as refusal:
        return _index(request, form, refusal.text, status=refusal.status)
    return _added(request, "webauthn", is_first=not before)


@require_POST
@confirmed
def two_factor_remove(request: HttpRequest, factor_id: int) -> HttpResponse:
    """Remove one of one's factors."""
    user = _local(request)
    second_factors.remove(by=audit.actor(request), user=user, factor_id=factor_id)
    if not second_factor.has(user):
        request.session.pop(second_factor.PASSED, None)
        text = _("Removed. From now on your password alone signs you in.")
        return rendering.moved(request, reverse("two_factor"), text)
    return rendering.moved(request, reverse("two_factor"), _("Removed."))


@never_cache
@require_POST
@confirmed
def two_factor_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes in place of the old ones, and show them this once."""
    user = _local(request)
    if not second_factor.has(user):
        raise Refusal(_("Recovery codes stand for a second factor: set one up first."))
    return _codes(request)


def _local(request: HttpRequest) -> User:
    """Return who is signed in, by a password. Raises Refusal for who signs on elsewhere."""
    user = own(request)
    if not user.has_usable_password():
        raise Refusal(_("You sign on elsewhere: a second factor is asked for there."), "no_password")
    return user


def _telling(request: HttpRequest, kind: str) -> AbstractContextManager[None]:
    name = own(request).get_username()
    return telling.act(request, action=ADD, name=name, words="added a second factor", factor=kind)


def _added(request: HttpRequest, kind: str, *, is_first: bool) -> HttpResponse:
    """Go on after a factor was added: with the first one come recovery codes."""
    user = own(request)
    request.session[second_factor.PASSED] = kind
    limits.succeeded(limits.of_codes(user.get_username()))
    if is_first:
        return _codes(request, is_new=True)
    return rendering.moved(request, reverse("two_factor"), _("Added."))


def _codes(request: HttpRequest, *, is_new: bool = False) -> HttpResponse:
    user = own(request)
    name = user.get_username()
    with (
        telling.act(request, action=CODES, name=name, words="made new recovery codes"),
        transaction.atomic(),
    ):
        made = codes.new_recovery_codes(user)
    context = {"codes": made, "is_new": is_new}
    return rendering.page(request, "accounts/two_factor/codes.html", context)


def _index(
    request: HttpRequest, form: KeyForm | None = None, fault: str = "", status: int = 200
) -> HttpResponse:
    user = own(request)
    rows = Authenticator.objects.filter(user=user, type__in=second_factor.KINDS).order_by("type", "pk")
    factors = [_factor(row) for row in rows]
    context = {
        "factors": factors,
        "has_app": any(factor.is_app for factor in factors),
        "codes_left": codes.left(user),
        "has_password": user.has_usable_password(),
        "must": second_factor.must(user),
        "form": form or KeyForm(),
        "fault": fault,
    }
    return rendering.page(request, "accounts/two_factor/index.html", context, status=status)


def _factor(row: Authenticator) -> Factor:
    is_app = row.type == Authenticator.Type.TOTP
    return Factor(row, is_app, _("App") if is_app else str(row.data.get("name", "")))
