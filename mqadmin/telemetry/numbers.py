"""Metrics by OTLP as they are read elsewhere: no instruments, since what is told stands in the database."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

import mqadmin
from mqadmin.telemetry.sdk import NAME, of_the_installation

AT_ONCE = 5_000  # numbers in a request
EVERY_S = 60.0


@dataclass(frozen=True)
class Numbers:
    """All samples of one name, as /metrics has them."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


def every_s() -> float:
    """Return the seconds between two times that metrics are sent: OTEL_METRIC_EXPORT_INTERVAL has milliseconds."""
    try:
        given = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or EVERY_S * 1000)
    except ValueError:
        return EVERY_S
    return given / 1000 if given >= 1 else EVERY_S


class Sender:
    """Sends metrics. One thread; a collector that does not answer takes as long as OTEL_EXPORTER_OTLP_TIMEOUT.

    They are of the installation, not of the process that happens to send them: no instance, host or pid is said, by
    which a restart would begin new series.
    """

    def __init__(self) -> None:
        self._resource = of_the_installation()
        self._exporter = OTLPMetricExporter()

    def send(self, found: Iterable[Numbers]) -> bool:
        """Send all of them, some at a time. Returns whether the collector took all."""
        now = time.time_ns()
        points = ((numbers, sample) for numbers in found for sample in numbers.samples)
        while some := list(islice(points, AT_ONCE)):
            if self._exporter.export(self._data(_grouped(some, now))) is not MetricExportResult.SUCCESS:
                return False
        return True

    def stop(self) -> None:
        """Give up what is being sent. Any thread."""
        self._exporter.shutdown()

    def _data(self, metrics: Iterable[Metric]) -> MetricsData:
        scope = ScopeMetrics(InstrumentationScope(NAME, mqadmin.__version__), list(metrics), "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])


def _grouped(some: Iterable[tuple[Numbers, tuple[Mapping[str, str], float]]], now: int) -> Iterator[Metric]:
    """Yield the samples by name; what is of one name stands together."""
    points: dict[str, tuple[Numbers, list[NumberDataPoint]]] = {}
    for numbers, (labels, value) in some:
        # Since when a counter counts nobody knows: it goes on in the database whatever is started anew.
        point = NumberDataPoint(dict(labels), 0, now, value)
        points.setdefault(numbers.name, (numbers, []))[1].append(point)
    for numbers, found in points.values():
        data = (
            Sum(found, AggregationTemporality.CUMULATIVE, is_monotonic=True)
            if numbers.kind == "counter"
            else Gauge(found)
        )
        yield Metric(numbers.name, numbers.help, "", data)
