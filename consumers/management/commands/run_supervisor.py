"""Run this host's supervisor: starts, watches and stops the consumer processes that are defined."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from consumers.scaling import placement
from consumers.supervisor import rows
from consumers.supervisor.forking.warmed import Warmed
from consumers.supervisor.loop import Supervisor
from consumers.supervisor.machine.lock import AlreadySupervised, HostLock
from consumers.supervisor.machine.wake import Wake
from consumers.supervisor.namesake import Namesake, mark
from mqadmin.core import database
from mqadmin.telemetry import running

# It is part of addresses and of a file's name. An empty one would be that of processes no supervisor started.
_NAME = re.compile(r"[^\W_][\w.@-]{0,99}")


class Command(BaseCommand):
    help = "Supervise the consumers of this host until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []  # they import every page: not needed here, and slow

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name", default=socket.gethostname(), help="this host's name (default: %(default)s)"
        )
        parser.add_argument(
            "--label",
            action="append",
            default=[],
            metavar="NAME[=VALUE]",
            help="what consumers may ask of their host; several times",
        )
        parser.add_argument(
            "--capacity",
            type=int,
            default=0,
            help="processes to run at most (default: as many as are wanted)",
        )

    def handle(self, *_args: Any, name: str, label: Sequence[str], capacity: int, **_options: Any) -> None:
        if not _NAME.fullmatch(name):
            raise CommandError(
                f"--name: {name!r} is no name for a host. It has up to 100 letters, digits and .-_@ and begins "
                "with a letter or digit."
            )
        try:
            labels = placement.parse(",".join(label))
        except placement.PlacementError as error:
            raise CommandError(f"--label: {error}.") from error
        database.require(wait=connection.vendor != "sqlite")
        _refuse_second_on_sqlite(name)
        mode = settings.MQADMIN_FORK
        warmed = None if mode == "off" else Warmed(name, with_handlers=mode == "handlers")
        supervisor = Supervisor(name, labels=labels, capacity=max(0, capacity), warmed=warmed)
        try:
            lock = HostLock(name, mark(supervisor.me.pid, supervisor.me.started_at))
        except AlreadySupervised as error:
            raise CommandError(str(error)) from error
        supervisor.namesake = Namesake(name, lock.before)
        connection_created.connect(_be_impatient)
        wake = Wake()
        running.start("supervisor")
        try:
            supervisor.run(wake)
        finally:
            supervisor.finish(wake, stop_consumers=settings.MQADMIN_SUPERVISOR_ON_EXIT == "stop")
            lock.release()
            running.stop()
        sys.stdout.flush()
        if supervisor.fault:
            raise CommandError(supervisor.fault)


def _refuse_second_on_sqlite(name: str) -> None:
    """One file has one host's clock and locks: more than one supervisor needs a database server."""
    if connection.vendor != "sqlite":
        return
    others = [host.name for host in rows.hosts(rows.database_now()) if host.name != name]
    if others:
        raise CommandError(
            f"Supervisor {others[0]} works on this database, which is SQLite: that is for one host. "
            "For several, set DATABASE_URL to PostgreSQL."
        )


def _be_impatient(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Give up on a locked database soon: the loop tries again, and must stay able to stop."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout = 2000")
        elif connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = '5s'")
