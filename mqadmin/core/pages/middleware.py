"""Around every request: sign-in, who asks, unchanged fragments, and faults told in words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import get_script_prefix
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag, urlencode

from mqadmin.core import permissions
from mqadmin.core.pages import faults, rows_seen
from mqadmin.core.rights.asking import Asking, asks, carried

API_NAMESPACE = "api"


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Every page needs a signed-in user. The API checks its own tokens.

    An htmx request of an expired session moves the whole page to the sign-in form, instead of having the form
    swapped into a table; afterwards the browser returns to the page that was open.
    """

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        if match is not None and API_NAMESPACE in match.namespaces:
            return None
        return super().process_view(request, view_func, args, kwargs)

    def handle_no_permission(  # type: ignore[override]  # the stubs allow a redirect only
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.headers.get("HX-Request") != "true":
            return super().handle_no_permission(request, view_func)
        try:
            here = urlsplit(request.headers.get("HX-Current-URL", ""))
        except ValueError:  # not an address at all
            here = urlsplit("")
        back = here.path + (f"?{here.query}" if here.query else "")
        response = HttpResponse(status=204)
        response["HX-Redirect"] = (
            f"{resolve_url(settings.LOGIN_URL)}?{urlencode({REDIRECT_FIELD_NAME: back or get_script_prefix()})}"
        )
        return response


class FragmentCacheMiddleware:
    """A live fragment that did not change costs a 304 without a body.

    Only GET over htmx with status 200 and a body in memory. The tag covers the content as it is before
    compression (this runs inside GZipMiddleware, which weakens it), so it is weak from the start.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method != "GET" or request.headers.get("HX-Request") != "true":
            return response
        if response.status_code != 200 or response.streaming or not isinstance(response, HttpResponse):
            return response
        # "no-cache" still stores: the browser then asks with If-None-Match, which is the point.
        patch_cache_control(response, private=True, no_cache=True)
        rows_seen.private(request, response)
        if any(name.lower().startswith("hx-") for name in response.headers) or "ETag" in response:
            return response  # carries a message or an event: must arrive
        response["ETag"] = "W/" + quote_etag(_digest(response))
        unchanged = get_conditional_response(request, etag=response["ETag"], response=response)
        return unchanged or response


def _digest(response: HttpResponse) -> str:
    html = response.content.decode("utf-8", "replace")
    return hashlib.blake2b(rows_seen.settled(html), digest_size=16).hexdigest()


class FaultPagesMiddleware:
    """What a view could not do because of a broker or the database is said in words, not as a traceback.

    So is that a page, or a call, does not take a method, or a body of unknown length.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            return faults.length_required(request)
        response = self.get_response(request)
        if response.status_code == 405:
            return faults.not_allowed(request, ", ".join(sorted(response.get("Allow", "").split(", "))))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return faults.answer(request, exception)


class AskingMiddleware:
    """Who asks is known to all that works for the request, up to the last part of what is sent.

    Their rights are read when something depends on them. Until a view says what it needs, that is to look.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        who = Asking(
            lambda: (request.user.get_username(), permissions.rights(request.user)), says=permissions.denied
        )
        with asks(who):
            response = self.get_response(request)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = carried(who, response.streaming_content)  # type: ignore[arg-type]
        return response
