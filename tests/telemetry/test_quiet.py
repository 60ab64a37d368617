"""What OpenTelemetry's parts log: in a line, once a minute, without secrets."""

from __future__ import annotations

import logging

import pytest

from mqadmin.telemetry.quiet import OnceAMinute

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


def record(text: str, *args: object, name: str = EXPORTER) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "x.py", 1, text, args, None)


def test_one_line_of_each_kind() -> None:
    quiet = OnceAMinute()
    text = "Transient error %s encountered while exporting %s batch, retrying in %.2fs."
    fault = "HTTPConnectionPool(host='otel', port=4318): Max retries exceeded with url: /v1/traces (Caused by ...)"
    first = record(text, fault, "span", 1.0)
    assert quiet.filter(first)
    said = first.getMessage()
    assert said == "telemetry: the collector at otel:4318 does not answer"
    assert not quiet.filter(record(text, fault, "span", 2.0))
    assert not quiet.filter(record(text, fault, "span", 4.0))
    assert not quiet.filter(record("Failed to export span batch", name=EXPORTER.replace("trace", "metric")))
    assert quiet.filter(record("Queue full, dropping %s.", "Span", name="opentelemetry.sdk._shared_internal"))
    assert quiet.filter(record(text, name="mqadmin.consumer"))
    quiet._seldom._due.clear()
    again = record(text, fault, "span", 1.0)
    assert quiet.filter(again)
    assert again.getMessage().endswith("(3 more since)")


def test_nothing_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=abcd1234,authorization=Bearer%20zzzz")
    quiet = OnceAMinute()
    header = record("Header format invalid! %s", "broken abcd1234", name="opentelemetry.util.re")
    assert quiet.filter(header)
    assert "abcd1234" not in header.getMessage()
    failed = record("Failed: %s", "x")
    failed.levelno, failed.levelname = logging.ERROR, "ERROR"
    assert OnceAMinute().filter(failed)
    assert failed.levelname == "WARNING"
    failed = record("Failed: %s", "http://user:pa55@otel:4318/v1 said abcd1234")
    assert quiet.filter(failed)
    assert failed.getMessage() == "telemetry: Failed: (its address) said ***"
