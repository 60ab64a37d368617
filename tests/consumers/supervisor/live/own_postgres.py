"""A PostgreSQL of a test's own, which it may stop and start: that of the run belongs to other tests too."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.db import connections

from deploy import postgres
from tests.support.processes import ROOT

ALIAS = "own"


def is_installed() -> bool:
    return any(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


class Cluster:
    """A running cluster with mqadmin's tables, database ALIAS. `environ`: for mqadmin's processes on it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.environ = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mqadmin.settings"}
        self._folder = folder
        self._port = urlsplit(url).port

    def stop(self) -> None:
        """Shut it down: its clients lose their connections, and new ones are refused."""
        connections[ALIAS].close()
        self._control("-m", "fast", "stop")

    def start(self) -> None:
        """Start it where it was. Returns once it takes connections."""
        settings = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._control("-l", str(self._folder / "log"), "-o", f"{settings} -c fsync=off", "start")

    def _control(self, *arguments: str) -> None:
        """Run pg_ctl, and wait. As `postgres` where the test is root, which PostgreSQL refuses."""
        drop_root = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*drop_root, _program("pg_ctl"), "-D", str(self._folder / "data"), "-w", *arguments]
        nothing = subprocess.DEVNULL  # a pipe would be inherited by the server, and never end
        subprocess.run(command, cwd="/", stdin=nothing, stdout=nothing, stderr=nothing, check=True)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a new cluster; it is thrown away at the end. Takes about ten seconds."""
    # Not in the run's folder: the user `postgres` may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="mqadmin-pg-"))
    try:
        printed = _output([sys.executable, "-m", "deploy.postgres", "start", str(folder)], os.environ)
        url = printed.strip().partition("=")[2]
        found = Cluster(folder, url)
        _output([sys.executable, "manage.py", "migrate", "-v", "0"], found.environ)
        connections.settings[ALIAS] = {**connections.settings["default"], **dj_database_url.parse(url)}
        yield found
    finally:
        if ALIAS in connections.settings:
            connections[ALIAS].close()
            del connections[ALIAS], connections.settings[ALIAS]
        postgres.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _output(command: list[str], environ: Mapping[str, str]) -> str:
    # Into a file: a pipe would be inherited by the server that is started.
    with tempfile.TemporaryFile("w+") as output:
        subprocess.run(command, cwd=ROOT, env=environ, stdout=output, check=True)
        output.seek(0)
        return output.read()


def _program(name: str) -> str:
    found = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return str(max(found, key=lambda path: float(path.parent.parent.name)))
