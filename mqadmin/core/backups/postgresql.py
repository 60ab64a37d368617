"""PostgreSQL: its own programs write and read the database; what they write is of one moment.

The password is given to them in the environment, never on a command line, which everybody on the machine can read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.db import connection

from mqadmin.core.backups.file import Say, Unfit

_INSTALL = "On Debian: apt-get install postgresql-client"
_NOT_FOR_PROGRAMS = {"assume_role", "currentSchema", "options"}
_SECRET = {"password", "sslpassword"}


def server_version() -> str:
    """Return the server's version, "15.18"."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        number = int(cursor.fetchone()[0])  # 150018
    return f"{number // 10_000}.{number % 10_000}"


def require_programs() -> None:
    """Raise Unfit where pg_dump or pg_restore is missing, or older than the server."""
    server = int(server_version().partition(".")[0])
    for program in ("pg_dump", "pg_restore"):
        found = _version(program)
        if found < server:
            raise Unfit(
                f"{program} is of version {found}, the server of {server_version()}: it must not be older. "
                f"{_INSTALL}-{server}, from PostgreSQL's own packages where the system has none so new."
            )


def _version(program: str) -> int:
    if shutil.which(program) is None:
        raise Unfit(f"{program} is missing, which comes with PostgreSQL's client. {_INSTALL}.")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\) (\d+)", said)
    if match is None:
        raise Unfit(f"{program} does not say its version: {said[:100]!r}.")
    return int(match[1])


@contextmanager
def snapshot() -> Iterator[tuple[datetime, str, dict[str, int], list[tuple[str, str]]]]:
    """Yield a moment, the name by which pg_dump sees it too, the rows of each table then, and the migrations.

    Partitions are counted with their table. Raises django.db.Error.
    """
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            name = cursor.fetchone()[0]
            moment = datetime.now(UTC)
            counts = {table: _count(cursor, table) for table in _tables(cursor)}
            cursor.execute("SELECT app, name FROM django_migrations")
            yield moment, name, counts, cursor.fetchall()
    finally:
        other.close()


def counted() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return the rows of each table of the database that is connected, and the migrations."""
    with connection.cursor() as cursor:
        counts = {table: _count(cursor, table) for table in _tables(cursor)}
        cursor.execute("SELECT app, name FROM django_migrations")
        return counts, cursor.fetchall()


def _tables(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND c.relnamespace = current_schema()::regnamespace ORDER BY 1"
    )
    return [row[0] for row in cursor.fetchall()]


def _count(cursor: Any, table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608
    return int(cursor.fetchone()[0])


@contextmanager
def dump(name: str, left_out: Sequence[str], say: Say) -> Iterator[IO[bytes]]:
    """Yield what pg_dump writes of a snapshot, in its custom format, without the rows of some tables.

    Raises Unfit with its last line when it fails.
    """
    without = []
    for table in left_out:  # a partition is called like its table with a number behind
        without += ["--exclude-table-data", table, "--exclude-table-data", f"{table}_p*"]
    command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}", *without]
    command += [f"--dbname={_address()}"]
    say("asking pg_dump")
    with _program(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout


def fill(dumped: Path, database: str) -> None:
    """Write a dump into a database that is empty, all of it or nothing. Raises Unfit."""
    command = ["pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    with _program([*command, f"--dbname={_address(database)}", str(dumped)], stdout=subprocess.DEVNULL):
        pass


def require_readable(dumped: Path) -> None:
    """Have pg_restore read what is in a dump. Raises Unfit."""
    _version("pg_restore")
    with _program(["pg_restore", "--list", str(dumped)], stdout=subprocess.DEVNULL):
        pass


@contextmanager
def _program(command: Sequence[str], stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command], env=_environ(), stdin=subprocess.DEVNULL, stdout=stdout, stderr=said
        )
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
            process.wait()
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or ["without a word"]
            raise Unfit(f"{command[0]} failed: {_without_secrets(lines[-1])[:300]}.")


def _parameters() -> dict[str, Any]:
    return {
        name: value
        for name, value in connection.get_connection_params().items()
        if isinstance(value, str | int)
    }


def _address(database: str = "") -> str:
    """Return what libpq is to connect to, without what is secret. Raises Unfit for what it cannot be told so."""
    from psycopg.conninfo import make_conninfo

    given = _parameters()
    if given.get("sslpassword"):
        raise Unfit(
            "DATABASE_URL has an sslpassword, which PostgreSQL's programs take on a command line only."
        )
    leave = _SECRET | _NOT_FOR_PROGRAMS
    told = {name: value for name, value in given.items() if name not in leave and name in _known()}
    return make_conninfo(**{**told, **({"dbname": database} if database else {})})


def _known() -> set[str]:
    from psycopg.pq import Conninfo

    return {option.keyword.decode() for option in Conninfo.get_defaults()}


def _environ() -> dict[str, str]:
    password = _parameters().get("password")
    return {**os.environ, **({"PGPASSWORD": str(password)} if password else {}), "LC_ALL": "C"}


def _without_secrets(text: str) -> str:
    password = str(_parameters().get("password") or "")
    return text.replace(password, "***") if len(password) > 2 else text


# --- the database that is put in the place of another ------------------------------------------------------------


def others_connected(database: str) -> list[str]:
    """Return who is connected to a database of this server besides us."""
    with connection._nodb_cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(nullif(application_name, ''), 'a client') || ' from ' ||"
            " coalesce(host(client_addr), 'the local socket') || ' (pid ' || pid || ')'"
            " FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() ORDER BY pid",
            [database],
        )
        return [row[0] for row in cursor.fetchall()]


def exists(database: str) -> bool:
    """Whether the server has a database of this name."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        return cursor.fetchone() is not None


def create(database: str) -> None:
    """Make an empty database. Raises Unfit where mqadmin's user may not."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            raise Unfit(
                "A restore makes a new database beside the old one, and the user of DATABASE_URL may not. As a "
                "superuser: ALTER ROLE ... CREATEDB; take it back after that with NOCREATEDB."
            )
        cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(database)} TEMPLATE template0")


def drop(database: str) -> None:
    """Remove a database that nobody uses."""
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(database)}")


def put_in_place(new: str, target: str, kept: str) -> None:
    """Give the database `new` the name `target`, and what had it the name `kept`: both, or neither.

    Raises django.db.Error where somebody is connected to either.
    """
    quote = connection.ops.quote_name
    with connection._nodb_cursor() as cursor:
        cursor.execute("BEGIN")
        if kept:
            cursor.execute(f"ALTER DATABASE {quote(target)} RENAME TO {quote(kept)}")
        cursor.execute(f"ALTER DATABASE {quote(new)} RENAME TO {quote(target)}")
        cursor.execute("COMMIT")
