"""The wall: what is wrong everywhere, on a screen that nobody sits at. It has no letter, no payload, no button."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mqadmin.core import permissions
from mqadmin.core.access import walls
from mqadmin.core.pages import rendering
from mqadmin.core.permissions import User
from mqadmin.core.rights import asking
from mqadmin.queues.pages import fleet

MOST = 8  # troubles: as many as a screen has room for in letters that one reads from afar


@login_not_required  # a screen has a link, not an account
@never_cache
@require_safe
def wall_open(request: HttpRequest, token: str) -> HttpResponse:
    """Open the wall with a link: from then on its browser has the token in a cookie, and in no address.

    With one that opens nothing it leads there too, which says so: a refusal here would put the token into the log.
    """
    response = redirect("wall")
    if walls.user_of(request, token) is None:
        return _discreet(response)
    response.set_cookie(
        settings.MQADMIN_WALL_COOKIE,
        token,
        max_age=walls.COOKIE_S,
        path=reverse("wall"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return _discreet(response)


@login_not_required
@never_cache
@require_safe
def wall(request: HttpRequest) -> HttpResponse:
    """Every broker, the worst first, and what is wrong there."""
    user = _viewer(request)
    if user is None:
        return _closed(request)
    brokers = fleet.everywhere(user)
    troubles = fleet.troubles(brokers)
    context = {
        "brokers": brokers,
        "troubles": troubles[:MOST],
        "more": max(len(troubles) - MOST, 0),
        "with_names": len(brokers) > 1,
        "headline": fleet.headline(brokers),
        "tone": fleet.tone(brokers),
        "look": "light" if request.GET.get("theme") == "light" else "dark",
    }
    return _discreet(rendering.page(request, "queues/wall.html", context, fragment="queues/_wall.html"))


def _viewer(request: HttpRequest) -> User | None:
    """Return whose eyes it is seen with: those of who is signed in, else of who made the link.

    Raises PermissionDenied for somebody who is signed in, and may see nothing.
    """
    token = request.COOKIES.get(settings.MQADMIN_WALL_COOKIE, "")
    if request.user.is_authenticated and (permissions.may_somewhere(request.user, "view") or not token):
        permissions.check(request.user, "view", "rows")
        return request.user
    found = walls.user_of(request, token) if token else None
    who = asking.now()
    if found is not None and who is not None:
        who.becomes(found.get_username(), permissions.rights(found))
    return found


def _closed(request: HttpRequest) -> HttpResponse:
    """Say that nothing opens it: with no form to sign in, nobody types a password on a wall."""
    page = rendering.page(
        request, "queues/wall_closed.html", {}, fragment="queues/_wall_closed.html", status=401
    )
    return _discreet(page)


def _discreet(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
