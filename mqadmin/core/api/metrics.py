"""`GET /metrics`: what the apps know, as Prometheus reads it, from the database alone.

Each app gives through `hooks.register_metrics` metrics of `prometheus_client`, which says which format a scraper
takes and writes them; and a `Family` where there may be thousands of samples, which is written here, in a fifth of
the time (ADR 32). What must be escaped:
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.registry import Collector

from mqadmin.core import hooks, permissions
from mqadmin.core.api.plumbing import Token

OPEN = "application/openmetrics-text"
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


class _Collected(Collector):
    """A registry as `prometheus_client` reads it."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(found: Iterable[Family | Metric], accept: str = "") -> tuple[bytes, str]:
    """Return all that was found and its content type, in the format that an Accept header asks for."""
    everything = list(found)
    encode, content_type = _format(accept)
    families = (item for item in everything if isinstance(item, Family))
    text = render(families, is_open=content_type.startswith(OPEN))
    rest = _Collected(item for item in everything if isinstance(item, Metric) and item.samples)
    return text.encode() + encode(rest), content_type


def render(families: Iterable[Family], *, is_open: bool = False) -> str:
    """Return the families in Prometheus' text format, or `is_open` in that of OpenMetrics; one without samples is
    left out."""
    return "".join(_text(family, is_open) for family in families)


def _format(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


def _text(family: Family, is_open: bool) -> str:
    # A boolean is a number here.
    lines = [f"{family.name}{text} {value + 0}\n" for text, value in family.samples if value is not None]
    name = family.name.removesuffix("_total") if is_open and family.kind == "counter" else family.name
    head = f"# HELP {name} {_help(family.help)}\n# TYPE {name} {family.kind}\n"
    return head + "".join(lines) if lines else ""


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
    text, content_type = exposition(hooks.metrics(), request.headers.get("Accept", ""))
    response = HttpResponse(text, content_type=content_type)
    patch_vary_headers(response, ["Accept"])
    return response


def _refused(status: int, text: str) -> HttpResponse:
    response = HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response
