"""The last thing that happens to a page: what the eye would not see in it is made visible, wherever it stands.

In a text a sign becomes a framed "U+202E" with its name as a tip; where there is no markup, in a tip, a label, an
option, the title, it is written [U+202E]. What is written from right to left turns nothing beside it. As it is
stays what a form sends back and what an address says, and what scripts read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mqadmin.core import unseen

# Attributes that are shown or read out.
_SHOWN = (
    "title|aria-label|placeholder|alt|label|data-confirm|data-denied|data-key-label|data-all-text|data-some-text"
    "|data-count-text|data-empty|data-fault|data-announce"
)
_ATTRIBUTE = re.compile(rf'(?<=\s)({_SHOWN})="([^"]*)"')
_TOKEN = re.compile(
    r"<!--.*?-->|<(?:script|style|textarea)\b.*?</(?:script|style|textarea)\s*>"
    r"""|<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>"']*(?:"[^"]*"[^<>"']*|'[^']*'[^<>"']*)*>|[^<]+|<""",
    re.DOTALL,
)
_NO_MARKUP = {"title", "option", "svg"}


class VisibleMiddleware:
    """Every page and every part of one. Not the API, nor what is downloaded."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and _is_page(response) and unseen.hides(response.content):
            response.content = page(response.text)
            if "Content-Length" in response:
                response["Content-Length"] = str(len(response.content))
        return response


def _is_page(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith("text/html")


def page(html: str) -> str:
    """Return a page in which everything can be seen."""
    return "".join(_pieces(html))


def chip(sign: str) -> SafeString:
    """Draw a sign that has no shape: what it is called, framed, so that no letters of a name look like it."""
    return format_html('<span class="unseen" title="{}">{}</span>', unseen.called(sign), unseen.code(sign))


def _pieces(html: str) -> Iterator[str]:
    bare = ""  # the element that holds text alone
    in_lines = False  # in a <pre>, each line of which is a paragraph of its own
    for token in _TOKEN.finditer(html):
        closes, name = token[1], token[2]
        if name is None:
            yield (
                token[0] if token[0].startswith("<") else _text(token[0], bare=bool(bare), in_lines=in_lines)
            )
            continue
        if name == "pre":
            in_lines = not closes
        elif closes and name == bare:
            bare = ""
        elif not closes and not bare and name in _NO_MARKUP:
            bare = name
        yield token[0] if closes else _ATTRIBUTE.sub(_attribute, token[0])


def _text(text: str, *, bare: bool, in_lines: bool) -> str:
    if bare:
        return _plain(text)
    text = unseen.IN_TEXT.sub(lambda found: chip(found[0]), text)
    return text if in_lines else unseen.RTL_RUN.sub("<bdi>\\g<0></bdi>", text)


def _attribute(found: re.Match[str]) -> str:
    return f'{found[1]}="{_plain(found[2])}"'


def _plain(text: str) -> str:
    """Return a text without markup; the two signs that keep it apart are written as references."""
    written = unseen.lines(text, isolate=True)
    return written.replace("\u2068", "&#x2068;").replace("\u2069", "&#x2069;")
