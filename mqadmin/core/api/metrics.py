"""`GET /metrics`: what the apps know, as Prometheus reads it, from the database alone."""

from __future__ import annotations

from threading import Lock

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from mqadmin.core import hooks, permissions
from mqadmin.core.api.plumbing import Token
from mqadmin.core.exposition import exposition

# Of several none would be ready sooner than one after the other; but each takes megabytes while it is made.
_one_at_a_time = Lock()


@login_not_required  # signs in by itself: a scraper has a token, not a session
@never_cache
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Every family of every app, for a bearer token or a session that may view; 401 and 403 in words."""
    has_token = "Authorization" in request.headers
    if (has_token and Token()(request) is None) or not request.user.is_authenticated:
        return _refused(401, _("Sign in, or send a token: Authorization: Bearer mqa_..."))
    reason = permissions.denial(request.user, "view")
    if reason:
        return _refused(403, reason)
    with _one_at_a_time:
        text, content_type = exposition(hooks.metrics(), request.headers.get("Accept", ""))
    response = HttpResponse(text, content_type=content_type)
    patch_vary_headers(response, ["Accept"])
    return response


def _refused(status: int, text: str) -> HttpResponse:
    response = HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response
