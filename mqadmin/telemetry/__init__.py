"""Traces, metrics and logs as OpenTelemetry has them: sent where an endpoint is set, by an extra."""
