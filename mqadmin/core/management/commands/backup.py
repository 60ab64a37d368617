"""Write a backup of the database into one file, while everything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection

from mqadmin.core import database
from mqadmin.core.access import telling
from mqadmin.core.backups import taking
from mqadmin.core.backups.file import Unfit

NOT_INSIDE = (
    "Not in it: what the environment and its files hold (SECRET_KEY, addresses and passwords of brokers, channels "
    "of alerts), messages that are in RabbitMQ, what processes printed, and sessions: nobody is signed in after a "
    "restore."
)


class Command(BaseCommand):
    """The restored database is consistent: all of one moment."""

    help = "Back the database up into one file, while everything runs. `restore` puts it back. " + NOT_INSIDE
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add FILE and --without-records."""
        parser.add_argument(
            "file", nargs="?", help="a new file (default: backups/mqadmin-TIME.zip in MQADMIN_VAR)"
        )
        parser.add_argument(
            "--without-records",
            action="store_true",
            help="leave out the records of handled messages and what taps saw: by far the most of it",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raise CommandError with a sentence for whatever goes wrong; no file is left then."""
        path = Path(options["file"]).absolute() if options["file"] else taking.default_path()
        database.require()
        say = self._say if options["verbosity"] else _silent
        try:
            detail = {"records": not options["without_records"]}
            with telling.by_command(action="database.backup", target=str(path), detail=detail) as entry:
                manifest = taking.take(path, with_records=not options["without_records"], say=say)
                entry.detail |= {"sha256": manifest.sha256, "taken_at": manifest.taken_at.isoformat()}
        except (Unfit, OSError) as error:
            raise CommandError(str(error)) from None
        except Error as error:
            raise CommandError(database.words(error)) from None
        finally:
            if not connection.in_atomic_block:
                connection.close()
        rows = sum(manifest.counts.values())
        out = ", ".join(manifest.left_out)
        self.stdout.write(
            f"{path}: {path.stat().st_size / 1e6:,.1f} MB, {rows:,} rows of {len(manifest.counts)} tables "
            f"as they were at {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, without the rows of {out}."
        )
        if options["verbosity"]:
            self.stdout.write(NOT_INSIDE)

    def _say(self, text: str) -> None:
        self.stdout.write(f"{text} ...")
        self.stdout.flush()


def _silent(_text: str) -> None:
    """For cron: nothing but the last line."""
