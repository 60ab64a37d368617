"""What somebody filled in, kept on the page that says why it was not done: it can be sent again, or copied."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import get_token

from mqadmin.core import hiding

_MOST = 200_000  # characters that a page keeps
# What a form sends besides what is filled in: where one came from, what was shown, what must be typed anew.
_OWN = {"csrfmiddlewaretoken", "next", "broker", "expect", "seen", "typed", "look"}


def of(request: HttpRequest, *, sends_again: bool = True) -> dict[str, Any]:
    """Return what the page of a fault is given of a form that was sent; {} where nothing was filled in.

    Nothing is kept that is secret: it would stand on a page. Files are not, so a form with some is not sent again.
    """
    sent = _sent(request) if request.method == "POST" else []
    filled = [(name, value) for name, value in sent if name not in _OWN and value.strip()]
    if not filled or sum(len(value) for _name, value in sent) > _MOST:
        return {}
    shown = [(name, value) for name, value in filled if not _is_secret(request, name, value)]
    if len(shown) < len(filled) or request.FILES or not sends_again:
        return {"filled_in": shown}
    again = [(name, value) for name, value in sent if name != "csrfmiddlewaretoken"]
    return {"filled_in": shown, "again": again, "csrf": get_token(request)}


def _sent(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what was sent, [] where that cannot be read: a view that was reached would have said so."""
    try:
        return [(name, value) for name, values in request.POST.lists() for value in values]
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return []


def _is_secret(request: HttpRequest, name: str, value: str) -> bool:
    """Whether a view said so of the field, or its name does; or an address holds a password, as of a shovel."""
    if "://" in value and hiding.seems_secret(value):
        return True
    said = getattr(request, "sensitive_post_parameters", ())
    return said == "__ALL__" or name in said or hiding.hidden({name: "x"})[name] != "x"
