"""Whether anything is sent: by the standard variables alone."""

from __future__ import annotations

import pytest

from mqadmin.telemetry import wanted

HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
ALL = ["traces", "metrics", "logs"]


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "shop", "OTEL_TRACES_EXPORTER": "otlp"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, []),
        (HERE, ALL),
        ({**HERE, "OTEL_SDK_DISABLED": "True"}, []),
        ({**HERE, "OTEL_SDK_DISABLED": "false"}, ALL),
        ({**HERE, "OTEL_METRICS_EXPORTER": "none"}, ["traces", "logs"]),
        (
            {**HERE, "OTEL_LOGS_EXPORTER": "console, otlp", "OTEL_TRACES_EXPORTER": "console"},
            ["metrics", "logs"],
        ),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://127.0.0.1:4318/v1/logs"}, ["logs"]),
    ],
)
def test_signals(environ: dict[str, str], signals: list[str]) -> None:
    assert wanted.signals(environ) == signals
    assert wanted.trouble(environ) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
    ],
)
def test_another_protocol_is_refused_in_a_line(name: str, value: str) -> None:
    said = wanted.trouble({**HERE, name: value})
    assert value in said
    assert "http/protobuf alone" in said
    assert "\n" not in said
    assert wanted.trouble({name: value}) == ""
    assert wanted.trouble({**HERE, name: "http/protobuf"}) == ""
