"""`GET /metrics`: what the apps know, in Prometheus' text format, read from the database alone.

Each app gives its families through `hooks.register_metrics`. The format, with what must be escaped:
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from mqadmin.core import hooks, permissions
from mqadmin.core.api.plumbing import Token

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Value = int | float | bool | None


@dataclass(frozen=True)
class Family:
    """All samples of one name. `samples`: (text of `labels`, value); None is unknown and left out."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    samples: Iterable[tuple[str, Value]]


def labels(**values: object) -> str:
    """Return labels as a sample carries them: {queue="orders",vhost="/"}."""
    return "{" + ",".join(f'{name}="{_escaped(str(value))}"' for name, value in values.items()) + "}"


def render(families: Iterable[Family]) -> str:
    """Return the families as a scraper reads them; one without samples is left out."""
    return "".join(line for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    head = f"# HELP {family.name} {_help(family.help)}\n# TYPE {family.name} {family.kind}\n"
    for text, value in family.samples:
        if value is None:
            continue
        yield f"{head}{family.name}{text} {int(value) if value is True or value is False else value}\n"
        head = ""


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return value


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


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
    return HttpResponse(render(hooks.metrics()), content_type=CONTENT_TYPE)


def _refused(status: int, text: str) -> HttpResponse:
    response = HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response
