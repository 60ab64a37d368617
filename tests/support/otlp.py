"""A receiver of OTLP over HTTP on loopback: it reads the protocol's own messages, and misbehaves where asked to."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


@dataclass(frozen=True)
class Span:
    """A span as it came: ids in hexadecimal digits; `status` 2 is an error."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, Any]
    links: list[str]
    status: int
    message: str
    events: list[tuple[str, dict[str, Any]]]
    resource: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A log line as it came."""

    text: str
    severity: str
    trace_id: str
    span_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A number of a metric as it came. `kind`: gauge or sum."""

    name: str
    kind: str
    value: float
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Receiver:
    """What came so far. `status`: what is answered; while `hanging` is set, nothing is."""

    port: int = 0
    status: int = 200
    hanging: threading.Event = field(default_factory=threading.Event)
    spans: list[Span] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environ(self, **more: str) -> dict[str, str]:
        """Return the variables that have a process send to it soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "300",
            **more,
        }

    def named(self, name: str) -> list[Span]:
        """Return the spans of a name."""
        return [span for span in list(self.spans) if span.name == name]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    found = Receiver()
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            found.requests.append(self.path)
            if found.hanging.is_set():
                release.wait()
                return
            if found.status == 200:
                found.headers.append({name.lower(): value for name, value in self.headers.items()})
                _READERS[self.path](found, body)
            self.send_response(found.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        release.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _spans(found: Receiver, body: bytes) -> None:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                found.spans.append(
                    Span(
                        name=span.name,
                        kind=span.kind,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        attributes=_table(span.attributes),
                        links=[link.trace_id.hex() for link in span.links],
                        status=span.status.code,
                        message=span.status.message,
                        events=[(event.name, _table(event.attributes)) for event in span.events],
                        resource=_table(group.resource.attributes),
                    )
                )


def _lines(found: Receiver, body: bytes) -> None:
    for group in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope in group.scope_logs:
            for line in scope.log_records:
                found.lines.append(
                    Line(
                        text=_value(line.body),
                        severity=line.severity_text,
                        trace_id=line.trace_id.hex(),
                        span_id=line.span_id.hex(),
                        attributes=_table(line.attributes),
                        resource=_table(group.resource.attributes),
                    )
                )


def _points(found: Receiver, body: bytes) -> None:
    for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                for point in getattr(metric, kind).data_points:
                    found.points.append(
                        Point(
                            name=metric.name,
                            kind=kind,
                            value=getattr(point, point.WhichOneof("value")),
                            attributes=_table(point.attributes),
                            resource=_table(group.resource.attributes),
                        )
                    )


_READERS = {"/v1/traces": _spans, "/v1/logs": _lines, "/v1/metrics": _points}


def _table(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs if isinstance(pair, KeyValue)}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
