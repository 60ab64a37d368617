"""Live parts that are the same for all who may as much: rendered once by each process, for whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from mqadmin.core.pages import once, rendering, rows_seen
from mqadmin.core.pages.rows_seen import Fragment
from mqadmin.core.remembered import Remembered

KEPT = 100  # of each of two generations; their rows are those that `rows_seen` keeps


def answer(
    request: HttpRequest, template: str, context: Callable[[], Mapping[str, Any]], *parts: object
) -> HttpResponse | None:
    """Answer a refresh; nothing is made where somebody else had it made, and nothing sent where it is the same.

    `parts` must say all that it is made of, as for `rendering.version`: of who asks nothing is in it but what that
    one may. Returns None where no part is asked for, or a message waits: that is rendered for this one alone.
    """
    if not rendering.wants_fragment(request) or len(messages.get_messages(request)):
        return None
    version = rendering.version(request, *parts)
    response = rendering.unchanged(request, version)
    if response is None:
        key = rendering.digest(template, rendering.common(request), *parts)
        # After each sample many ask at the same moment: one of them has it rendered, the others wait.
        made = _kept.made(key, lambda: _rendered(request, template, context()))
        response = HttpResponse(made.shown(rows_seen.by(request)))
        response["ETag"] = version
        patch_vary_headers(response, ["HX-Request"])
    return response


def _rendered(request: HttpRequest, template: str, context: Mapping[str, Any]) -> Fragment:
    with once.reading(), rows_seen.apart(request) as rows:
        html = render_to_string(template, dict(context), request)
    return Fragment(html, rows)


_kept: Remembered[Fragment] = Remembered(KEPT)
forget = _kept.forget
