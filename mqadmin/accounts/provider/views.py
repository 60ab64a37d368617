"""The way to the provider and back. Whatever happens ends on a page of mqadmin, in words."""

from __future__ import annotations

import logging
from typing import cast

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from mqadmin.accounts.provider import claims, linking
from mqadmin.accounts.provider.conversation import Conversation
from mqadmin.accounts.provider.trouble import Trouble, sentence
from mqadmin.core.access import known, second_factor, sign_on, telling
from mqadmin.core.access.library import known_to_library
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import account, rendering

log = logging.getLogger(__name__)
_BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_not_required
@never_cache
@require_GET
@known_to_library
def provider_begin(request: HttpRequest) -> HttpResponse:
    """Send somebody to the provider, to sign on there."""
    to = rendering.next_address(request, "")
    if request.user.is_authenticated:
        return redirect(to or settings.LOGIN_REDIRECT_URL)
    if not sign_on.by_provider():
        return redirect("login")
    try:
        there = Conversation(request).there(to)
    except Trouble as trouble:
        return _back(request, trouble, to)
    response = HttpResponse(status=302)
    response["Location"] = there
    return response


@login_not_required
@never_cache
@require_GET
@known_to_library
def provider_back(request: HttpRequest) -> HttpResponse:
    """Sign in who comes back from the provider, if what it says is believed and they may come in."""
    to = ""
    if not sign_on.by_provider():
        return redirect("login")
    try:
        conversation = Conversation(request)
        begun = conversation.begun()
        to = begun["to"]
        told = conversation.claims(begun)
        who = _who(told)
        user = _account(request, who, told["sub"])
    except Trouble as trouble:
        return _back(request, trouble, to)
    except Refusal as refusal:
        return _home(request, refusal.text, to)
    leave_at = str(conversation.openid_config.get("end_session_endpoint") or "")
    return _entered(request, user, leave_at, to)


def _who(told: dict[str, object]) -> sign_on.SignedOn:
    name = claims.name(told, settings.MQADMIN_OIDC_NAME_CLAIM)
    if not name:
        raise Trouble("nameless")
    groups: tuple[str, ...] | None = None
    if wanted := settings.MQADMIN_OIDC_GROUPS_CLAIM:
        groups = claims.groups(told, wanted)
        if groups is None:
            log.warning(
                "%s does not say the groups of %r in %s", settings.MQADMIN_OIDC_NAME, name[:150], wanted
            )
    # Who is said to be in no group is in none: a role must go when the claim goes.
    is_decided = bool(settings.MQADMIN_OIDC_GROUPS_CLAIM)
    return sign_on.SignedOn(
        User.normalize_username(name), (groups or ()) if is_decided else None, settings.MQADMIN_OIDC_ROLES
    )


def _account(request: HttpRequest, who: sign_on.SignedOn, subject: str) -> User:
    try:
        return linking.account(who, issuer=sign_on.provider(), subject=subject)
    except Refusal as refusal:
        by = audit.Actor("anonymous")
        telling.refused(request, action=known.SIGN_IN, by=by, name=who.name, reason=refusal.text)
        raise


def _entered(request: HttpRequest, user: User, leave_at: str, to: str) -> HttpResponse:
    name = user.get_username()
    words = "signed on at the provider"
    with telling.act(request, action=known.SIGN_IN, name=name, words=words, provider=sign_on.provider()):
        login(request, user, backend=_BACKEND)
    second_factor.passed(request, "")
    is_address = leave_at.startswith(("https://", "http://"))
    sign_on.at_provider(request.session, leave_at if is_address else "")
    return redirect(to or resolve_url(settings.LOGIN_REDIRECT_URL))


def _back(request: HttpRequest, trouble: Trouble, to: str) -> HttpResponse:
    name = settings.MQADMIN_OIDC_NAME
    level = logging.INFO if trouble.code in {"refused", "lost"} else logging.WARNING
    log.log(level, "sign-on at %s: %s", settings.MQADMIN_OIDC_ISSUER, trouble)
    return _home(request, sentence(trouble, name), to)


def _home(request: HttpRequest, text: str, to: str) -> HttpResponse:
    """Lead back to where one signs in, with a sentence."""
    request.session[account.FAULT] = text
    query = f"?{urlencode({'next': to})}" if to else ""
    return cast(HttpResponse, redirect(f"{reverse('login')}{query}"))
