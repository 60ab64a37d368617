"""What the environment gives: read, or refused in a line. A wrong value is never taken for another one."""

from __future__ import annotations

import math
import os
import re
import tomllib
import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

PLACEHOLDER = "REPLACE-ME"  # of deploy/systemd and deploy/kubernetes
# What people's own examples have in its place.
_PLACEHOLDERS = (PLACEHOLDER.lower(), "replace_me", "replaceme", "change-me", "change_me", "changeme")
_LOGIN = "//user:password@"  # of README and docs/configuration.md
_MAY_HOLD = ("MQADMIN_", "RABBITMQ_", "WEBHOOK_", "DATABASE_URL", "CELERY_BROKER_URL")
_REFERENCE = re.compile(r"\$\{?(\w+)")
_ON = {"1", "true", "yes", "on"}
_OFF = {"", "0", "false", "no", "off"}

Number = TypeVar("Number", int, float)


class Unusable(SystemExit):
    """No process can go on so: ends it with a line on stderr and code 1. Not an error with a traceback: Django's
    settings are being read."""

    def __init__(self, text: str) -> None:
        super().__init__(f"mqadmin: {text}")


def flag(name: str, default: bool = False, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the variable is on. Raises Unusable for what is neither on nor off."""
    text = environ.get(name, str(int(default))).strip().lower()
    if text not in _ON | _OFF:
        raise Unusable(f"{name}={text[:40]} is neither 1 nor 0.")
    return text in _ON


def words(name: str, default: str = "", environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the parts of a list with commas."""
    return [part.strip() for part in environ.get(name, default).split(",") if part.strip()]


def number(name: str, default: Number, least: Number, environ: Mapping[str, str] = os.environ) -> Number:
    """Return a number of the kind of `default`, which an empty variable means too. Raises Unusable."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    found: Number | None
    try:
        found = type(default)(text)
    except ValueError:
        found = None
    if found is None or not math.isfinite(found) or found < least:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise Unusable(f"{name}={text[:40]} is not {kind}, {least:g} or more.")
    return found


def one_of(name: str, default: str, choices: Collection[str], environ: Mapping[str, str] = os.environ) -> str:
    """Return the variable, which must be one of `choices`. Raises Unusable."""
    text = environ.get(name, "").strip() or default
    if text not in choices:
        raise Unusable(f"{name}={text[:40]} is not one of {', '.join(choices)}.")
    return text


def origins(name: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return a list of origins as browsers write them. Raises Unusable."""
    found = words(name, environ=environ)
    for origin in found:
        if not origin.startswith(("https://", "http://")):
            raise Unusable(f"{name}: {origin[:60]!r} must begin with https:// or http://.")
    return found


def address(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return an http address, "" for none. Raises Unusable, which says nothing of what may be secret in it."""
    text = environ.get(name, "").strip()
    if text and not text.startswith(("https://", "http://")):
        raise Unusable(f"{name} must begin with https:// or http://.")
    return text


def template(name: str, field: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return an http address with `{field}` in it, "" for none. Raises Unusable, which does not repeat it."""
    text = address(name, environ)
    rest = text.replace(f"{{{field}}}", "")
    if text and (rest == text or "{" in rest or "}" in rest):
        raise Unusable(f"{name} must be an address with {{{field}}} in it, and nothing else in such braces.")
    return text


def there(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return an http address or a path of this host, "" for none. Raises Unusable."""
    text = environ.get(name, "").strip()
    is_path = text.startswith("/") and not text.startswith("//")
    return text if is_path else address(name, environ)


def issuer(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the address of an OpenID provider, "" for none. Raises Unusable for one that no provider can have."""
    text = address(name, environ)
    parts = urlsplit(text)
    if text and (not parts.hostname or parts.query or parts.fragment or parts.username or len(text) > 200):
        raise Unusable(f"{name} must be the address of the provider: https://, a host, and perhaps a path.")
    return text


def scopes(name: str, default: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return scopes with blanks between them; `openid`, without which nobody is named, always among them."""
    found = (environ.get(name, "").strip() or default).split()
    return found if "openid" in found else ["openid", *found]


def origin(text: str) -> list[str]:
    """Return the origin of an address, none of a path, as a list of at most one."""
    parts = urlsplit(text)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []


def pairs(name: str, values: Collection[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a list of `key=value` with commas, each value one of `values`, or `role:NAME`. Raises Unusable."""
    found = {}
    for part in words(name, environ=environ):
        key, sign, value = (piece.strip() for piece in part.rpartition("="))
        if not (key and sign) or (value not in values and value.removeprefix("role:") in ("", value)):
            raise Unusable(
                f"{name}: {part[:60]!r} is not like GROUP=ROLE with a role of {', '.join(values)} or role:NAME."
            )
        found[key] = value
    return found


def zone(name: str, default: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of a time zone. Raises Unusable for one that this machine does not know."""
    text = environ.get(name, "").strip() or default
    try:
        zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise Unusable(f"{name}={text[:40]} is no time zone known here; one is Europe/Berlin.") from None
    return text


def refuse_placeholders(environ: Mapping[str, str] = os.environ) -> None:
    """Raise Unusable where a variable, or a text of the brokers' file, still is that of an example."""
    for name, value in environ.items():
        if name.startswith(_MAY_HOLD) and is_placeholder(value):
            raise Unusable(f"{name} still holds the placeholder of an example: put the real value there.")
    path = environ.get("MQADMIN_BROKERS_FILE", "")
    for place, value in _texts(path) if path else ():
        named = _REFERENCE.findall(value)
        if is_placeholder(value) or any(is_placeholder(environ.get(name, "")) for name in named):
            raise Unusable(
                f"{path}: {place} still holds the placeholder of an example: put the real value there."
            )


def is_placeholder(value: str) -> bool:
    """Whether a value was taken over from an example."""
    lowered = unquote(value).lower()
    return any(word in lowered for word in _PLACEHOLDERS) or _LOGIN in lowered


def _texts(path: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of a TOML file and where they stand. One that cannot be read is told where it is needed."""
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    left: list[tuple[str, Any]] = [("", document)]
    while left:
        place, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{place}.{key}".lstrip("."), part) for key, part in value.items()]
        elif isinstance(value, str):
            yield place, value
