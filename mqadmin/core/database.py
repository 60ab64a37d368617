"""The database in words: why it does not answer, whether it is of this version. A line each, never a password."""

from __future__ import annotations

import logging
import pkgutil
import re
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import DatabaseError, Error, InterfaceError, InternalError, OperationalError, connection
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.loader import MigrationLoader

from mqadmin.given import Unusable
from mqadmin.place import COMMAND

APPS = {
    "core": "mqadmin.core",
    "queues": "mqadmin.queues",
    "consumers": "consumers",
    "deadletters": "mqadmin.deadletters",
    "history": "mqadmin.history",
    "approvals": "mqadmin.approvals",
    "alerts": "mqadmin.alerts",
    "administration": "mqadmin.administration",
    "definitions": "mqadmin.definitions",
    "passing": "mqadmin.passing",
    "account": "allauth.account",
    "socialaccount": "allauth.socialaccount",
    "mfa": "allauth.mfa",
}
# Recorded in databases from before 0.1.0, which has them in the first migration of each app.
FOLDED = {
    ("core", "0002_operations_pace"),
    ("consumers", "0002_deadlines_limits_suspects"),
    ("consumers", "0003_exact_record_json"),
    ("consumers", "0004_runtime_modes"),
    ("consumers", "0005_supervisor_hosts"),
    ("consumers", "0006_leaner_records"),
    ("deadletters", "0002_retries_and_breaker"),
    ("deadletters", "0003_views_owners_tally"),
    ("deadletters", "0004_retention_and_indexes"),
    ("deadletters", "0005_capture_windows"),
}
_POSTGRES_HINTS = (
    (r"password authentication failed|no password supplied", "Correct user and password in DATABASE_URL."),
    (r"role \S+ does not exist", "Correct the user in DATABASE_URL."),
    (r'database "?\S+ does not exist', "Create it (createdb), or correct DATABASE_URL."),
    (r"resolve host|Name or service not known", "Correct the host in DATABASE_URL."),
    (r"refused|timeout|timed out|unreachable|No such file", "Does PostgreSQL run there? See DATABASE_URL."),
    (r"No space left|disk is full", "Make room on the disk of PostgreSQL."),
    (r"permission denied|must be owner", "Its user needs all rights on that database."),
    (r"read-only", "It is a replica, or set to read only: DATABASE_URL must name the primary."),
)
_SQLITE_HINTS = (
    (r"disk is full|No space left", "Make room on that disk."),
    (r"disk I/O error", "Is that disk full or broken?"),
    (r"locked", "Another program holds it: a backup, or a shell with an open transaction."),
    (r"not a database|malformed", "Put a backup in its place, or name another file in DATABASE_URL."),
    (r"readonly|read-only", "The user that mqadmin runs as may not write it."),
)
_STRANGE_TABLES = re.compile(
    r"no such (table|column)|has no column|(relation|column) .* does not exist|NOT NULL"
)
_RIGHTS = re.compile("permission denied|must be owner|read-only")

log = logging.getLogger("mqadmin.database")


def require(*, wait: bool = False) -> None:
    """End this process in a line where the database does not answer or is of another version. Raises Unusable.

    `wait`: one that does not answer is told as a warning instead, by processes that wait for it.
    """
    try:
        other = of_another_version()
    except Error as error:
        if not (wait and is_away(error)):
            raise Unusable(words(error)) from None
        log.warning("%s Waiting for it.", words(error))
        return
    finally:
        if not connection.in_atomic_block:  # of a test
            connection.close()
    if other:
        raise Unusable(other)


def of_another_version() -> str:
    """Return in words how the tables are not those of this version, "" if they are. Raises django.db.Error."""
    with connection.cursor() as cursor:
        applied = set()
        if "django_migrations" in connection.introspection.table_names(cursor):
            cursor.execute("SELECT app, name FROM django_migrations")
            applied = {(app, name) for app, name in cursor.fetchall() if app in APPS}
    if newer := newer_than_this(applied):
        return newer
    known = _known()
    if not applied:
        return f"{place()} has no tables of mqadmin yet: run {COMMAND} migrate first."
    if missing := sorted(known - applied):
        return f"{place()} is of an older version ({'.'.join(missing[0])} is missing): run {COMMAND} migrate first."
    return ""


def newer_than_this(applied: set[tuple[str, str]]) -> str:
    """Return in words that a newer version has migrated the database; "" if none has."""
    unknown = sorted({row for row in applied if row[0] in APPS} - _known() - FOLDED)
    if unknown:  # the slow way, which sees what later migrations stand for
        unknown = [row for row in unknown if row not in _replaced()]
    if not unknown:
        return ""
    return (
        f"{place()} is of a newer version of mqadmin ({'.'.join(unknown[0])} is not known here). Run that version, "
        "or put back the backup from before the upgrade."
    )


def words(error: BaseException) -> str:
    """Return in a line what a fault of the database is and what helps."""
    text = _text(error)
    if _STRANGE_TABLES.search(text):
        try:
            other = of_another_version()
        except Error:
            other = ""
        if other:
            return other
    is_sqlite = connection.vendor == "sqlite"
    hints = _SQLITE_HINTS if is_sqlite else _POSTGRES_HINTS
    hint = next((hint for pattern, hint in hints if re.search(pattern, text, re.I)), "")
    if is_sqlite and "unable to open" in text:
        hint = _why_not_opened(Path(str(settings.DATABASES["default"]["NAME"])))
    return f"{place()}: {text.rstrip('.')}.{' ' if hint else ''}{hint}"


def explains(error: Error) -> bool:
    """Whether `words` says what is wrong: the database, not a mistake in the code."""
    text = str(error)
    if _STRANGE_TABLES.search(text):
        return words(error).startswith(f"{place()} ")
    kinds = OperationalError | InterfaceError | InternalError | MigrationSchemaMissing
    if connection.connection is None:  # whatever it is, it kept from connecting
        return True
    return isinstance(error, kinds) or type(error) is DatabaseError or bool(_RIGHTS.search(text))


def is_away(error: BaseException | None) -> bool:
    """Whether the fault is the database's: gone, locked, full. It may be over in a moment."""
    return isinstance(error, OperationalError | InterfaceError) and not _STRANGE_TABLES.search(str(error))


def is_full(error: BaseException) -> bool:
    """Whether the fault is that of a disk without room."""
    return re.search("disk is full|No space left", str(error)) is not None


def place() -> str:
    """Return which database it is: safe to show."""
    name = settings.DATABASES["default"]
    if connection.vendor == "sqlite":
        return f"The database {name['NAME']}"
    host = f"{name['HOST'] or 'the local socket'}{':' if name['PORT'] else ''}{name['PORT']}"
    return f"The database {name['NAME']} at {host}"


def _text(error: BaseException) -> str:
    """Return the first line of the driver's words, without the prefix that says again where it is."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    text = re.sub(r"^connection failed: |^connection to server .*?failed: |^(FATAL|ERROR): +", "", text)
    text = re.sub(r"^connection to server .*?failed: |^(FATAL|ERROR): +", "", text)
    text = re.sub(r"^(FATAL|ERROR): +", "", text)
    password = str(settings.DATABASES["default"].get("PASSWORD") or "")
    for secret in {password, quote(password, safe="")} if len(password) > 2 else ():
        text = text.replace(secret, "***")
    return "".join(sign if sign.isprintable() else " " for sign in text)[:300]


def _why_not_opened(path: Path) -> str:
    if path.is_dir():
        return "That is a folder. Name a file in DATABASE_URL."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}: make it, or correct DATABASE_URL or MQADMIN_VAR."
    return "The user that mqadmin runs as may not write there, or the disk is full."


def _known() -> set[tuple[str, str]]:
    """Return the migrations of this version, by their files: quicker than loading them."""
    found = set()
    for label, package in APPS.items():
        folder = import_module(f"{package}.migrations").__path__
        found |= {
            (label, module.name) for module in pkgutil.iter_modules(folder) if module.name[:1].isdigit()
        }
    return found


def _replaced() -> set[tuple[str, str]]:
    loader = MigrationLoader(None)
    return {row for migration in loader.disk_migrations.values() for row in migration.replaces}
