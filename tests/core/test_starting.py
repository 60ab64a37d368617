"""Every way in, and what may stand in it: a line that says so and what helps, no traceback, no password."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader

from tests.support.length import IN_FULL
from tests.support.processes import ROOT
from tests.support.waiting import patient

pytestmark = pytest.mark.processes

PASSWORD = "kB7_very-secret"
BIN = Path(sys.executable).parent
WAYS = {
    "migrate": [sys.executable, "manage.py", "migrate", "--verbosity=0"],
    "runserver": [sys.executable, "manage.py", "runserver", "--noreload", "--skip-checks", "127.0.0.1:0"],
    "createsuperuser": [
        sys.executable, "manage.py", "createsuperuser", "--noinput", "--username=ann", "--email=a@example.com",
    ],
    "setup_admin": [sys.executable, "manage.py", "setup_admin"],
    "monitor": [sys.executable, "manage.py", "run_monitor"],
    "supervisor": [sys.executable, "manage.py", "run_supervisor"],
    "consumer": [sys.executable, "manage.py", "run_consumer", "orders"],
}  # fmt: skip


def way(name: str) -> list[str]:
    """Return the command of a way in; that of web, worker and beat is the Procfile's."""
    if name in WAYS:
        return WAYS[name]
    lines = (ROOT / "Procfile").read_text().splitlines()
    (command,) = [line.removeprefix(f"{name}: ") for line in lines if line.startswith(f"{name}: ")]
    return ["sh", "-c", f"exec {command}"]


def start(name: str, var: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a way in until it ends by itself."""
    environ = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "MQADMIN_VAR": str(var),
        "BIND": "127.0.0.1:0",
        "WEB_WORKERS": "1",
        "RABBITMQ_URL": "amqp://ann:secret@127.0.0.1:1/",
        **given,
    }
    done = subprocess.run(
        way(name), cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=patient(60)
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "Traceback" not in said
    assert PASSWORD not in said
    return done


def said_in_a_line(done: subprocess.CompletedProcess[str], why: str) -> None:
    """Check that stderr has the reason, once, and beside it no more than what gunicorn and Django say of an end."""
    lines = [
        line
        for line in done.stderr.splitlines()
        if line
        and "no static files" not in line
        and not re.match(r"\[[\d :+-]+\] \[\d+\] \[ERROR\] (Work|Shut|Rea)", line)
    ]
    assert len(lines) == 1, done.stderr
    assert re.search(why, lines[0]), lines[0]


def tables(path: Path, *, more: set[tuple[str, str]], without: set[str]) -> str:
    """Make a database that says which migrations it has had, and has nothing else; return its address."""
    known = set(MigrationLoader(None).disk_migrations)
    rows = {row for row in known if row[0] not in without} | more
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app, name, applied)")
        connection.executemany(
            "INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, '2026-01-01')", sorted(rows)
        )
    return f"sqlite:///{path}"


@pytest.fixture
def addresses(tmp_path: Path) -> Mapping[str, str]:
    """DATABASE_URL by what is wrong with it."""
    (tmp_path / "text.sqlite3").write_text("no database at all\n" * 100)
    (tmp_path / "folder.sqlite3").mkdir()
    newer = {("queues", "0999_of_tomorrow")}
    return {
        "malformed": f"postgres://ann:{PASSWORD}@db:54x2/mqadmin",
        "unknown": f"mongodb://ann:{PASSWORD}@db/mqadmin",
        "unreachable": f"postgres://ann:{PASSWORD}@127.0.0.1:1/mqadmin",
        "option": f"postgres://ann:{PASSWORD}@127.0.0.1:1/mqadmin?connect_timeout=soon",
        "nowhere": f"postgres://ann:{PASSWORD}@no-such-host.invalid/mqadmin",
        "text": f"sqlite:///{tmp_path}/text.sqlite3",
        "folder": f"sqlite:///{tmp_path}/folder.sqlite3",
        "no folder": f"sqlite:///{tmp_path}/none/mqadmin.sqlite3",
        "empty": f"sqlite:///{tmp_path}/empty.sqlite3",
        "newer": tables(tmp_path / "newer.sqlite3", more=newer, without=set()),
        "older": tables(tmp_path / "older.sqlite3", more=set(), without={"deadletters"}),
    }


# Each way in, and each fault: the others are told by what these are told by.
@pytest.mark.parametrize(
    ("name", "fault", "why"),
    [
        pytest.param(
            "migrate",
            "unreachable",
            r"mqadmin at 127\.0\.0\.1:1: Connection refused\. Does PostgreSQL run",
            marks=IN_FULL,
        ),
        ("migrate", "option", "bad value for connect_timeout"),
        ("migrate", "text", r"text\.sqlite3: file is not a database\. Put a backup"),
        ("migrate", "no folder", "unable to open database file. There is no folder"),
        ("migrate", "newer", r"newer version of mqadmin \(queues\.0999_of_tomorrow"),
        ("runserver", "unknown", "'mongodb' is not known"),
        ("createsuperuser", "folder", "That is a folder"),
        ("setup_admin", "nowhere", "Correct the host in DATABASE_URL"),
        ("monitor", "newer", "newer version of mqadmin"),
        ("supervisor", "older", r"older version \(deadletters\.\w+ is missing\): run manage.py migrate"),
        ("consumer", "unreachable", "Connection refused"),
        pytest.param("consumer", "empty", "no tables of mqadmin yet: run manage.py migrate", marks=IN_FULL),
        ("web", "malformed", "host or port cannot be read"),
        ("web", "newer", "newer version of mqadmin"),
        pytest.param("worker", "unknown", "'mongodb' is not known", marks=IN_FULL),
        ("worker", "empty", "no tables of mqadmin yet"),
        ("beat", "malformed", "host or port cannot be read"),
    ],
)
def test_a_database_that_cannot_be_used(
    name: str, fault: str, why: str, addresses: Mapping[str, str], tmp_path: Path
) -> None:
    said_in_a_line(start(name, tmp_path, DATABASE_URL=addresses[fault]), why)


@pytest.mark.parametrize(
    ("name", "variable", "value", "why"),
    [
        ("monitor", "MQADMIN_SAMPLE_SECONDS", "soon", "MQADMIN_SAMPLE_SECONDS=soon is not a number"),
        (
            "web",
            "MQADMIN_HISTORY",
            "5s:2h,7s:1d",
            r"MQADMIN_HISTORY: .* must be a multiple of the one before it",
        ),
        ("web", "RABBITMQ_URL", "amqp://ann:change-me@rabbit/", "RABBITMQ_URL still holds the placeholder"),
        ("web", "MQADMIN_MASKED", "payload.card.*", r"payload\.card\.\* is neither .* ends in a name"),
        ("worker", "CELERY_BROKER_URL", f"ann:{PASSWORD}@rabbit", "CELERY_BROKER_URL cannot be used"),
        ("monitor", "MQADMIN_BROKERS_FILE", "{var}/brokers.toml", r"brokers\.toml is not valid TOML"),
        ("supervisor", "MQADMIN_VAR", "{var}/brokers.toml", r"secret key cannot be read or made"),
        ("supervisor", "MQADMIN_VAR", "/proc/mqadmin", r"secret key cannot be read or made"),
    ],
)
def test_a_setting_that_cannot_be_used(
    name: str, variable: str, value: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "brokers.toml").write_text("[brokers.orders\n")
    (tmp_path / "mqadmin.sqlite3").write_bytes(b"")
    tables(tmp_path / "now.sqlite3", more=set(), without=set())
    url = f"sqlite:///{tmp_path}/now.sqlite3"
    given = {
        "MQADMIN_VAR": str(tmp_path),
        "DATABASE_URL": url,
        variable: value.replace("{var}", str(tmp_path)),
    }
    said_in_a_line(start(name, Path(given.pop("MQADMIN_VAR")), **given), why)


def test_beat_without_a_folder_for_its_schedule(tmp_path: Path) -> None:
    # The first two lines are Celery's own.
    last = start(
        "beat",
        tmp_path,
        DATABASE_URL="",
        MQADMIN_VAR=str(tmp_path / "none"),
        SECRET_KEY="q7" * 5 + "xyzw" * 5,
    )
    assert "There is no such folder" in last.stderr.splitlines()[-1]


def test_without_its_packages(tmp_path: Path) -> None:
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    done = subprocess.run(
        [python, "-S", "manage.py", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    said_in_a_line(done, "package django is missing .* `make venv`")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    said_in_a_line(start("migrate", small_disk, DATABASE_URL=""), "disk (is full|I/O error)")
    (small_disk / "mqadmin.sqlite3").unlink(missing_ok=True)
    (small_disk / "secret-key").unlink()
    with (small_disk / "rest").open("wb", buffering=0) as rest, contextlib.suppress(OSError):
        while True:
            rest.write(b"x" * 1024)
    said_in_a_line(start("setup_admin", small_disk, DATABASE_URL=""), "No space left on device")
