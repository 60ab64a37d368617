"""Metrics as Prometheus reads them.

Each app gives through `hooks.register_metrics` metrics of `prometheus_client`, which says which format a scraper
takes and writes them; and a `Family` where there may be thousands of samples, which is written here, in a fifth of
the time (ADR 32). What must be escaped:
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Literal

from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.registry import Collector

OPEN = "application/openmetrics-text"
_AT_ONCE = 500  # lines
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
    text = BytesIO()
    for family in everything:
        if isinstance(family, Family):
            for part in _parts(family, content_type.startswith(OPEN)):
                text.write(part.encode())
    text.write(encode(_Collected(item for item in everything if isinstance(item, Metric) and item.samples)))
    return text.getvalue(), content_type


def render(families: Iterable[Family], *, is_open: bool = False) -> str:
    """Return the families in Prometheus' text format, or `is_open` in that of OpenMetrics; one without samples is
    left out."""
    return "".join(part for family in families for part in _parts(family, is_open))


def _format(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return generate_latest, CONTENT_TYPE_PLAIN_0_0_4


def _parts(family: Family, is_open: bool) -> Iterator[str]:
    """Yield the family's text: never all of its lines at once, whose memory the process would keep."""
    name = family.name.removesuffix("_total") if is_open and family.kind == "counter" else family.name
    head = f"# HELP {name} {_help(family.help)}\n# TYPE {name} {family.kind}\n"
    samples = iter(family.samples)
    while some := list(islice(samples, _AT_ONCE)):
        # A boolean is a number here.
        lines = [f"{family.name}{text} {value + 0}\n" for text, value in some if value is not None]
        if lines:
            yield head + "".join(lines)
            head = ""


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return value


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
