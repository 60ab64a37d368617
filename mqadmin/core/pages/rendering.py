"""One address, one view, one context, for the whole page and for its live part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import get_script_prefix
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django_htmx.middleware import HtmxDetails

from mqadmin import place
from mqadmin.core import permissions, unseen
from mqadmin.core.pages import once
from mqadmin.core.wording import worded

TOAST_EVENT = "mqadmin:toast"
ACTED_EVENT = "mqadmin:acted"
_TOAST_LIMIT = 600  # characters: a header must stay small


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page: not a boosted link, nor a page restored by Back."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not (htmx.boosted or htmx.history_restore_request) and htmx.request_type != "full"


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str = "",
    status: int = 200,
    version: str = "",
) -> HttpResponse:
    """Render `fragment` for an htmx request that targets a part of the page, else `template`.

    Both get the same context. A fragment carries waiting messages in a header, so that they show at once, and the
    `version` that `unchanged` was asked with.
    """
    if fragment and wants_fragment(request):
        response = _rendered(request, fragment, context, status)
        waiting = [(item.level_tag, str(item)) for item in messages.get_messages(request)]
        if waiting:
            add_event(response, TOAST_EVENT, toasts(waiting))
        elif version:
            response["ETag"] = version
    else:
        response = _rendered(request, template, context, status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _rendered(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None, status: int
) -> HttpResponse:
    with once.reading():
        return render(request, template, dict(context or {}), status=status)


def version(request: HttpRequest, *parts: object) -> str:
    """Return what a part of a page is known by: who asks for what, in which language, and `parts`.

    `parts` must say all else that it is made of; nothing in it may depend on anything else.
    """
    return f'W/"{digest(common(request), request.user.pk, *parts)}"'


def common(request: HttpRequest) -> tuple[object, ...]:
    """Return what is asked for, with which rights, in which language: the same for all who may as much."""
    where = (request.get_host(), request.path, request.GET.urlencode())
    return (_BEGAN, where, permissions.rights(request.user), get_language())


def digest(*parts: object) -> str:
    """Return a short name of what is known by `parts`."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()


def unchanged(request: HttpRequest, version: str) -> HttpResponse | None:
    """Return the answer to a refresh by somebody who has this version; None where it is to be rendered.

    A message that waits must arrive, so then it is rendered.
    """
    if not wants_fragment(request) or len(messages.get_messages(request)):
        return None
    found = get_conditional_response(request, etag=version)
    if found is not None:
        patch_vary_headers(found, ["HX-Request"])
    return found


def _newest() -> float:
    """Return when code, template or catalogue was written last: the same in all web processes."""
    folders = (*place.CODE, settings.BASE_DIR / "templates", settings.BASE_DIR / "locale")
    files = (
        path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".py", ".html", ".mo")
    )
    return max((path.stat().st_mtime for path in files), default=0.0)


_BEGAN = _newest()


def acted(request: HttpRequest, text: str, *, to: str, level: str = "success") -> HttpResponse:
    """Answer a POST that did what it should: say `text` and show the new state.

    Over htmx the page stays, its live parts refresh at once (204 and two events); without it the browser is
    sent to `to`, or to the form's `next` where that is an address of this site.
    """
    if wants_fragment(request):
        response = HttpResponse(status=204)
        add_event(response, TOAST_EVENT, toasts([(level, text)]))
        add_event(response, ACTED_EVENT, {})
        return response
    messages.add_message(request, messages.DEFAULT_LEVELS[level.upper()], text)
    return redirect(next_address(request, to))


def moved(request: HttpRequest, to: str, text: str = "", *, level: str = "success") -> HttpResponse:
    """Answer a POST whose result is another page: go there, with `text` as a message on it."""
    if text:
        messages.add_message(request, messages.DEFAULT_LEVELS[level.upper()], text)
    if wants_fragment(request):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = to
        return response
    return redirect(to)


def next_address(request: HttpRequest, default: str) -> str:
    """Return the address that `next` names, if it is a path of this site, else `default`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    # Anything but a path would be taken for the name of a view by `redirect`; beside our path others are at work.
    return wanted if wanted.startswith(get_script_prefix()) and is_safe else default


def toasts(items: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the detail of a toast event for (level, text) pairs."""
    return {"items": [{"level": level, "text": _shown(text)} for level, text in items]}


def _shown(text: str) -> str:
    return unseen.lines(worded(text)[:_TOAST_LIMIT], isolate=True)


def add_event(response: HttpResponse, name: str, detail: Mapping[str, Any]) -> None:
    """Have htmx fire `name` on the element that asked, once the response is in."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    events[name] = detail
    response["HX-Trigger"] = json.dumps(events)
