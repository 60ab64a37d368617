"""Run this host's supervisor: starts, watches and stops the consumer processes that are defined."""

from __future__ import annotations

import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from consumers.supervisor.lock import AlreadySupervised, HostLock
from consumers.supervisor.loop import Supervisor
from consumers.supervisor.wake import Wake


class Command(BaseCommand):
    help = "Supervise the consumers of this host until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []  # they import every page: not needed here, and slow

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--name", default=socket.gethostname(), help="this host's name (default: %(default)s)"
        )

    def handle(self, *_args: Any, name: str, **_options: Any) -> None:
        try:
            lock = HostLock(name)
        except AlreadySupervised as error:
            raise CommandError(str(error)) from error
        connection_created.connect(_be_impatient)
        wake = Wake()
        supervisor = Supervisor(name)
        try:
            supervisor.run(wake)
        finally:
            supervisor.finish(wake, stop_consumers=settings.MQADMIN_SUPERVISOR_ON_EXIT == "stop")
            lock.release()
        sys.stdout.flush()


def _be_impatient(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Give up on a locked database soon: the loop tries again, and must stay able to stop."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout = 2000")
        elif connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = '5s'")
