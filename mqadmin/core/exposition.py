"""Metrics as Prometheus reads them.

Each app gives through `hooks.register_metrics` metrics of `prometheus_client`, which says which format a scraper
takes and writes them; and a `Family` where there may be thousands of samples, which is written here, in a fifth of
the time (ADR 32). What must be escaped:
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.registry import Collector

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
