"""`DATABASE_URL` as Django's settings: SQLite or PostgreSQL.

What cannot be read is refused in a line, without repeating it: it may hold a password.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url

from mqadmin.given import Unusable

_POSTGRES = {"postgres", "postgresql", "pgsql"}
_DJANGO = {"assume_role", "currentSchema"}  # options that never reach PostgreSQL's library
_LIKE = "postgres://user:password@host:5432/database or sqlite:////path/to/file.sqlite3"
_ENCODE = "In a password write '/' as %2F, '@' as %40, '#' as %23, '?' as %3F, '[' as %5B, '%' as %25."

SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL, not NORMAL: a letter is acked once its row is committed, so the commit must survive a power cut.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;",
}
# A database behind a pulled cable is given up after seconds: nobody waits for TCP's quarter of an hour.
POSTGRES = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


def database(url: str) -> dict[str, Any]:
    """Return the entry of DATABASES. Raises Unusable."""
    scheme, separator, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not separator:
        raise Unusable(f"DATABASE_URL is not a URL. It looks like {_LIKE}.")
    if scheme == "sqlite":
        return _sqlite(rest)
    if scheme not in _POSTGRES:
        kind = f"{scheme!r}" if re.fullmatch(r"[a-z0-9+.-]{1,30}", scheme) else "no kind of database"
        raise Unusable(f"DATABASE_URL: {kind} is not known to mqadmin. It looks like {_LIKE}.")
    return _postgres(f"postgres://{rest}")


def _sqlite(rest: str) -> dict[str, Any]:
    path = unquote(rest.partition("?")[0])
    if not path.startswith("/") or path.endswith("/"):
        raise Unusable(
            "DATABASE_URL names no file: SQLite looks like sqlite:////var/lib/mqadmin/mqadmin.sqlite3."
        )
    found: dict[str, Any] = _parsed(f"sqlite://{rest.partition('?')[0]}")
    found["OPTIONS"] = dict(SQLITE)
    return found


def _postgres(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unusable(f"DATABASE_URL: host or port cannot be read. {_ENCODE}") from None
    if parts.fragment or "@" in parts.path:
        raise Unusable(f"DATABASE_URL cannot be read. {_ENCODE}")
    if port == 0 or not parts.path.strip("/"):
        raise Unusable(f"DATABASE_URL names no {'port' if port == 0 else 'database'}. It looks like {_LIKE}.")
    options = parse_qs(parts.query, keep_blank_values=True)
    import psycopg  # 9 MB, which processes on SQLite do without
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**{name: values[-1] for name, values in options.items() if name not in _DJANGO})
    except psycopg.Error:
        known = ", ".join(name for name in options if re.fullmatch(r"\w{1,30}", name))
        raise Unusable(
            f"DATABASE_URL: what stands after the '?' is no option of PostgreSQL ({known})."
        ) from None
    found = _parsed(url)
    found["OPTIONS"] = {**POSTGRES, **found.get("OPTIONS", {})}
    return found


def _parsed(url: str) -> dict[str, Any]:
    try:
        return dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except Exception:  # whatever it is: its words would repeat the URL
        raise Unusable(f"DATABASE_URL cannot be read. {_ENCODE}") from None
