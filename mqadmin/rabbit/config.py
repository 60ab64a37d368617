"""Where the brokers are: `brokers.toml` (several) or two environment variables (one, named `default`)."""

from __future__ import annotations

import re
import socket
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pika

from mqadmin.rabbit.errors import ConfigurationError

ENVIRONMENTS = ("", "production", "staging", "development")
DEFAULT_TIMEOUT_S = 10.0

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,58}[a-z0-9])?")
_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_URL = re.compile(r"(?P<authority>[^/?#]*)(?P<path>[^?#]*)")
_TEXT_KEYS = {"title", "amqp_url", "management_url", "environment", "ca_file", "cert_file", "key_file"}
_KEYS = _TEXT_KEYS | {"verify", "timeout_s", "four_eyes"}


@dataclass(frozen=True)
class Endpoint:
    """One host of a broker and the port to connect to there: safe to show."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True)
class _Url:
    """A URL that may name several hosts. `hosts` is without duplicates; a port not given is None."""

    scheme: str
    userinfo: str = field(repr=False)
    hosts: tuple[tuple[str, int | None], ...]
    path: str

    @property
    def login(self) -> tuple[str | None, str | None]:
        """User and password, decoded; None for what the URL does not say."""
        name, colon, password = self.userinfo.partition(":")
        return (unquote(name) if self.userinfo else None), (unquote(password) if colon else None)

    def bases(self) -> tuple[str, ...]:
        """The URL once for each host, without credentials and without a trailing slash: safe to show."""
        return tuple(
            f"{self.scheme}://{_bracketed(host)}{'' if port is None else f':{port}'}{self.path.rstrip('/')}"
            for host, port in self.hosts
        )


@dataclass(frozen=True)
class BrokerConfig:
    """One RabbitMQ cluster: its addresses, credentials and TLS files.

    Both URLs may name several hosts of the cluster, `amqp://user:password@host-1:5672,host-2:5672/vhost`: one
    login and one vhost for all of them. Who connects tries the next host when one fails.

    `management_url` may carry its own user and password; without them those of `amqp_url` are used.
    `ca_file`, `cert_file` and `key_file` (PEM) serve both AMQP and HTTP. `verify=False` accepts any server
    certificate. `timeout_s` bounds connecting to a host and each management call, in seconds. `four_eyes`: from how
    many messages on an act on it needs a second person; 0: never; None: as elsewhere.
    """

    slug: str
    title: str
    amqp_url: str = field(repr=False)
    management_url: str = field(repr=False)
    environment: str = ""
    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = field(default=None, repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S
    four_eyes: int | None = None

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.slug):
            raise ConfigurationError(
                f"Broker name {self.slug!r}: use at most 60 lower-case letters, digits, '-' and '_'."
            )
        if self.environment not in ENVIRONMENTS:
            raise ConfigurationError(
                f"Broker {self.slug}: environment {self.environment!r} is not one of "
                "production, staging, development."
            )
        _ = self._amqp, self._management  # a URL that cannot be read is told here
        if self.key_file and not self.cert_file:
            raise ConfigurationError(f"Broker {self.slug}: key_file needs cert_file beside it.")
        for name in ("ca_file", "cert_file", "key_file"):
            value = getattr(self, name)
            if value and not Path(value).is_file():
                raise ConfigurationError(
                    f"Broker {self.slug}: {name} {value} does not exist or is not a file."
                )
        if not self.timeout_s > 0:
            raise ConfigurationError(f"Broker {self.slug}: timeout_s must be more than 0.")
        if self.four_eyes is not None and self.four_eyes < 0:
            raise ConfigurationError(f"Broker {self.slug}: four_eyes must be 0 or more.")

    @cached_property
    def _amqp(self) -> _Url:
        return _read_url(self.slug, "amqp_url", self.amqp_url, ("amqp", "amqps"))

    @cached_property
    def _management(self) -> _Url:
        return _read_url(self.slug, "management_url", self.management_url, ("http", "https"))

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The AMQP listeners, in the order they are written; at least one."""
        default = 5671 if self.is_tls else 5672
        return tuple(Endpoint(host, default if port is None else port) for host, port in self._amqp.hosts)

    @property
    def is_tls(self) -> bool:
        """Whether AMQP is spoken over TLS."""
        return self._amqp.scheme == "amqps"

    @property
    def host(self) -> str:
        """The first host of `amqp_url`."""
        return self.endpoints[0].host

    @property
    def port(self) -> int:
        """The port on the first host of `amqp_url`."""
        return self.endpoints[0].port

    @property
    def username(self) -> str:
        name = self._amqp.login[0]
        return "guest" if name is None else name

    @property
    def _password(self) -> str:
        password = self._amqp.login[1]
        return "guest" if password is None else password

    @property
    def default_vhost(self) -> str:
        """The vhost in `amqp_url`, decoded; `/` where the URL names none."""
        return unquote(self._amqp.path[1:]) or "/"

    @property
    def address(self) -> str:
        """Host and port of the AMQP listener, of all of them where there are several: safe to show."""
        return ", ".join(map(str, self.endpoints))

    def amqp_urls(self, vhost: str) -> tuple[str, ...]:
        """Return a URL with credentials for `vhost` on each host, for libraries that want such."""
        login = f"{quote(self.username, safe='')}:{quote(self._password, safe='')}"
        path = quote(vhost, safe="")
        return tuple(f"{self._amqp.scheme}://{login}@{endpoint}/{path}" for endpoint in self.endpoints)

    @property
    def management_base(self) -> str:
        """The management URL, once for each host, without credentials and trailing slash: safe to show."""
        return ", ".join(self._management.bases())

    def management_nodes(self) -> tuple[BrokerConfig, ...]:
        """Return this configuration once for each host of `management_url`, with that host only."""
        at = f"{self._management.userinfo}@" if self._management.userinfo else ""
        bases = [base.partition("://") for base in self._management.bases()]
        return tuple(
            replace(self, management_url=f"{scheme}://{at}{address}") for scheme, _, address in bases
        )

    def auth(self) -> tuple[str, str]:
        """Return user and password for the management API."""
        name, password = self._management.login
        if name is None:
            return self.username, self._password
        return name, password or ""

    def ssl_context(self) -> ssl.SSLContext:
        """Return a client context for this broker's AMQP listeners. Raises ConfigurationError."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                # Without a password OpenSSL would ask the terminal for that of an encrypted key, and wait.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"Broker {self.slug}: the TLS files cannot be used: {error}.") from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def connection_parameters(
        self,
        vhost: str,
        *,
        endpoint: Endpoint | None = None,
        heartbeat: int | None = 30,
        blocked_connection_timeout: float | None = None,
        client_name: str = "mqadmin",
        client_properties: Mapping[str, Any] | None = None,
    ) -> pika.ConnectionParameters:
        """Return pika's parameters for one attempt to connect to `vhost` on `endpoint` (default: the first).

        `heartbeat` and `blocked_connection_timeout` are seconds. `client_name` shows in RabbitMQ's list of
        connections. Raises ConfigurationError when the TLS files cannot be used.
        """
        endpoint = endpoint or self.endpoints[0]
        options = pika.SSLOptions(self.ssl_context(), endpoint.host) if self.is_tls else None
        properties = {
            "connection_name": f"{client_name}@{socket.gethostname()}",
            "product": "mqadmin",
            **(client_properties or {}),
        }
        return pika.ConnectionParameters(
            host=endpoint.host,
            port=endpoint.port,
            virtual_host=vhost,
            credentials=pika.PlainCredentials(self.username, self._password),
            heartbeat=heartbeat,
            ssl_options=options,
            connection_attempts=1,
            socket_timeout=self.timeout_s,
            stack_timeout=self.timeout_s,
            blocked_connection_timeout=blocked_connection_timeout,
            client_properties=properties,
        )


def load(environ: Mapping[str, str], path: str | Path | None = None) -> dict[str, BrokerConfig]:
    """Return the configured brokers by slug, in the order they are written.

    Reads `path`, else the file that MQADMIN_BROKERS_FILE names, else RABBITMQ_URL, RABBITMQ_MANAGEMENT_URL
    and RABBITMQ_ENVIRONMENT (with RABBITMQ_CA_FILE, _CERT_FILE, _KEY_FILE for TLS). In a file, `$NAME` or
    `${NAME}` in any text stands for that environment variable and `$$` for a dollar sign.
    Raises ConfigurationError; returns {} when nothing is configured.
    """
    file = path or environ.get("MQADMIN_BROKERS_FILE")
    if file:
        return _from_file(Path(file), environ)
    url = environ.get("RABBITMQ_URL")
    if not url:
        return {}
    table: dict[str, Any] = {"title": "RabbitMQ", "amqp_url": url}
    for key in ("management_url", "environment", "ca_file", "cert_file", "key_file"):
        value = environ.get(f"RABBITMQ_{key.upper()}")
        if value:
            table[key] = value
    return {"default": _build("default", table)}


def _from_file(path: Path, environ: Mapping[str, str]) -> dict[str, BrokerConfig]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    tables = document.get("brokers")
    if not isinstance(tables, dict) or not tables:
        raise ConfigurationError(f"{path} describes no broker: it needs a [brokers.NAME] table.")
    brokers = {}
    for slug, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{path}: brokers.{slug} must be a table: [brokers.{slug}].")
        values = {key: _resolve(slug, key, value, environ) for key, value in table.items()}
        brokers[slug] = _build(slug, values)
    return brokers


def _resolve(slug: str, key: str, value: Any, environ: Mapping[str, str]) -> Any:
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        if name not in environ:
            raise ConfigurationError(f"Broker {slug}: {key} refers to ${name}, which is not set.")
        found = environ[name]
        # A part of a URL must be encoded; a value that is nothing but a reference is taken as it is.
        is_part_of_url = key.endswith("_url") and match.group(0) != value
        return quote(found, safe="") if is_part_of_url else found

    return "$".join(_REFERENCE.sub(replace, piece) for piece in value.split("$$"))


def _build(slug: str, table: Mapping[str, Any]) -> BrokerConfig:
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise ConfigurationError(
            f"Broker {slug}: unknown setting {unknown[0]}. Known: {', '.join(sorted(_KEYS))}."
        )
    for key, value in table.items():
        wanted: tuple[type, ...] = _TYPES.get(key, (str,))
        if not isinstance(value, wanted) or (bool not in wanted and isinstance(value, bool)):
            raise ConfigurationError(f"Broker {slug}: {key} must be {_WORDS[wanted[0]]}, not {value!r}.")
    if "amqp_url" not in table:
        raise ConfigurationError(f"Broker {slug}: amqp_url is missing.")
    values = dict(table)
    values.setdefault("title", slug)
    if not values.get("management_url"):
        values["management_url"] = _derive_management_url(slug, values["amqp_url"])
    return BrokerConfig(slug=slug, **values)


_WORDS = {bool: "true or false", int: "a number", str: "text"}
_TYPES: dict[str, tuple[type, ...]] = {"verify": (bool,), "timeout_s": (int, float), "four_eyes": (int,)}


def _derive_management_url(slug: str, amqp_url: str) -> str:
    """Return the management addresses RabbitMQ uses by default beside its AMQP listeners."""
    url = _read_url(slug, "amqp_url", amqp_url, ("amqp", "amqps"))
    scheme, port = ("https", 15671) if url.scheme == "amqps" else ("http", 15672)
    names = dict.fromkeys(host for host, _ in url.hosts)
    return f"{scheme}://{','.join(f'{_bracketed(name)}:{port}' for name in names)}"


def _read_url(slug: str, key: str, url: str, schemes: tuple[str, str]) -> _Url:
    """Take a URL apart. Raises ConfigurationError, without repeating the URL: it may hold a password."""
    scheme, separator, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in schemes:
        raise ConfigurationError(f"Broker {slug}: {key} must begin with {schemes[0]}:// or {schemes[1]}://.")
    if "://" in rest:
        raise ConfigurationError(
            f"Broker {slug}: {key} must be one URL. Several hosts are named inside it, with commas: "
            f"{schemes[0]}://user:password@host-1:port,host-2:port."
        )
    found = _URL.fullmatch(rest)
    userinfo, _, places = found["authority"].rpartition("@") if found else ("", "", "")
    try:
        hosts = tuple(dict.fromkeys(_read_host(place.strip()) for place in places.split(",")))
    except ValueError:
        raise ConfigurationError(
            f"Broker {slug}: {key} is not a valid URL. "
            "In a password write '/' as %2F, '@' as %40, '#' as %23, '[' as %5B."
        ) from None
    if found is None or not all(_is_place(*host) for host in hosts):
        raise ConfigurationError(
            f"Broker {slug}: {key} must look like {schemes[0]}://user:password@host:port, several hosts as "
            "host-1:port,host-2:port, with nothing after a '?' or '#'."
        )
    return _Url(scheme, userinfo, hosts, found["path"])


def _read_host(text: str) -> tuple[str, int | None]:
    """Return host ("" if there is none) and port. Raises ValueError for a port that is no number."""
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port


def _is_place(host: str, port: int | None) -> bool:
    return bool(host) and not re.search(r"\s", host) and port != 0


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
