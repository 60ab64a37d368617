"""OpenTelemetry's SDK as mqadmin uses it: providers of one process, and the exporters that they send by.

Imported only where something is to be sent. Sampling, queues, batches, timeouts, headers and certificates are what
the variables OTEL_* say, which the SDK reads by itself.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Collection, Mapping

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import mqadmin
from mqadmin.telemetry.lines import Lines
from mqadmin.telemetry.wanted import Signal

NAME = "mqadmin"  # where OTEL_SERVICE_NAME says no other


def resource(attributes: Mapping[str, str]) -> Resource:
    """Return what everything that is sent says of its origin; OTEL_RESOURCE_ATTRIBUTES goes before ours."""
    named = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    ours = {"service.name": NAME, "service.version": mqadmin.__version__, **attributes}
    given = {part.partition("=")[0].strip() for part in named.split(",")}
    if os.environ.get("OTEL_SERVICE_NAME"):
        given.add("service.name")
    return Resource.create({name: value for name, value in ours.items() if name not in given})


def of_the_installation() -> Resource:
    """Return the same for what no process is the origin of: its id would be another after each restart."""
    found = resource({})
    named = "service.instance.id" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource(
        {name: value for name, value in found.attributes.items() if named or name != "service.instance.id"}
    )


class Sending:
    """What one process sends. Constructed after the last fork: it starts the threads that send."""

    def __init__(self, role: str, signals: Collection[Signal], more: Mapping[str, str]) -> None:
        self.tracer: trace.Tracer | None = None
        self._traces: TracerProvider | None = None
        self._lines: Lines | None = None
        self._ends: list[Callable[[], None]] = []
        origin = resource(
            {
                "service.instance.id": str(uuid.uuid4()),
                "host.name": socket.gethostname(),
                "process.pid": str(os.getpid()),
                "mqadmin.process": role,
                **more,
            }
        )
        if "traces" in signals:
            # At its exit Python waits for no collector: `stop` has a bound, these have thirty seconds.
            self._traces = TracerProvider(resource=origin, shutdown_on_exit=False)
            self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self._ends.append(self._traces.shutdown)
            self.tracer = self._traces.get_tracer(NAME, mqadmin.__version__)
        if "logs" in signals:
            logs = LoggerProvider(resource=origin, shutdown_on_exit=False)
            logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
            self._lines = Lines(logs)
            logging.getLogger().addHandler(self._lines)
            self._ends.append(logs.shutdown)

    def offer(self) -> None:
        """Make this the provider of the process, unless somebody has set one."""
        if self._traces is not None and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            trace.set_tracer_provider(self._traces)

    def stop(self) -> None:
        """Send what is left, all signals at once, and end. Waits for as long as a collector takes."""
        if self._lines is not None:
            logging.getLogger().removeHandler(self._lines)
        threads = [threading.Thread(target=end, daemon=True) for end in self._ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
