"""Whether anything is to be sent: what the standard variables OTEL_* say, and what is missing for it.

Nothing of OpenTelemetry is imported here, so that a process which sends nothing does not pay for it.
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Literal

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
PROTOCOL = "http/protobuf"
_PARTS = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def signals(environ: Mapping[str, str] = os.environ) -> list[Signal]:
    """Return what is to be sent: nothing where no endpoint is set, or all is switched off."""
    if _value(environ, "OTEL_SDK_DISABLED").lower() == "true":
        return []
    return [signal for signal in SIGNALS if _is_wanted(signal, environ)]


def trouble(environ: Mapping[str, str] = os.environ) -> str:
    """Return in a line why what is wanted cannot be sent, "" where it can."""
    wanted = signals(environ)
    for signal in wanted:
        name = f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL"
        said = _value(environ, name) or _value(environ, "OTEL_EXPORTER_OTLP_PROTOCOL")
        if said not in ("", PROTOCOL):
            return (
                f"{signal} are to be sent by OTLP over {said[:20]}, and mqadmin speaks {PROTOCOL} alone: nothing "
                "is sent. Set OTEL_EXPORTER_OTLP_PROTOCOL to it, and the endpoint to the collector's port for it "
                "(4318)."
            )
    if wanted and not is_installed():
        return (
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what sends to it is not installed: nothing is sent. "
            "Install the extra: mqadmin[otel]"
        )
    return ""


def is_installed() -> bool:
    """Whether the packages of the extra are there; nothing of them is loaded but what holds them."""
    try:
        return all(find_spec(name) is not None for name in _PARTS)
    except ModuleNotFoundError:
        return False


def _is_wanted(signal: Signal, environ: Mapping[str, str]) -> bool:
    exporters = _value(environ, f"OTEL_{signal.upper()}_EXPORTER")
    if exporters and "otlp" not in (part.strip() for part in exporters.split(",")):
        return False
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    return bool(_value(environ, own) or _value(environ, "OTEL_EXPORTER_OTLP_ENDPOINT"))


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
