"""The variables that `mqadmin up` and `make up` understand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mqadmin import place
from mqadmin.base_path import base_path
from mqadmin.local.trouble import Trouble


@dataclass(frozen=True)
class Options:
    """What the user asked for. Ports are TCP ports on `host` (web) and on loopback (private RabbitMQ)."""

    host: str
    port: int
    var: Path
    broker_url: str
    brokers_file: str
    amqp_port: int
    http_port: int
    demo: bool
    base_path: str = ""

    @property
    def private_broker(self) -> bool:
        """Whether `make up` runs a RabbitMQ of its own."""
        return not self.broker_url and not self.brokers_file

    @property
    def page_host(self) -> str:
        """The host name by which this machine reaches the web server."""
        return "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104

    @property
    def address(self) -> str:
        host = f"[{self.page_host}]" if ":" in self.page_host else self.page_host
        return f"http://{host}:{self.port}{self.base_path}/"


def from_environ(environ: Mapping[str, str] = os.environ) -> Options:
    """Read the options. Raises Trouble naming the variable that makes no sense."""
    broker_url = environ.get("RABBITMQ_URL", "").strip()
    brokers_file = environ.get("MQADMIN_BROKERS_FILE", "").strip()
    if environ.get("RABBITMQ_MANAGEMENT_URL", "").strip() and not broker_url:
        raise Trouble("RABBITMQ_MANAGEMENT_URL is set but RABBITMQ_URL is not: set both, or neither.")
    try:
        below = base_path(environ)
    except ValueError as error:
        raise Trouble(str(error)) from None
    return Options(
        base_path=below,
        host=environ.get("HOST", "").strip() or "127.0.0.1",
        port=_port(environ, "PORT", 8000),
        var=_var(environ),
        broker_url=broker_url,
        brokers_file=brokers_file,
        amqp_port=_port(environ, "BROKER_AMQP_PORT", 5673),
        http_port=_port(environ, "BROKER_HTTP_PORT", 15673),
        demo=_flag(environ, "DEMO", default=not broker_url and not brokers_file),
    )


def _var(environ: Mapping[str, str]) -> Path:
    try:
        return place.var(environ)
    except RuntimeError:
        raise Trouble("This user has no home: name a folder for the data, as MQADMIN_VAR.") from None


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip() or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise Trouble(f"{name}={text} is not a port: give a number from 1 to 65535.")
    return int(text)


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").strip().lower()
    if text in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        return text in {"1", "true", "yes", "on"} if text else default
    raise Trouble(f"{name}={text} is neither 1 nor 0.")
