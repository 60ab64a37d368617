"""Put a backup in the place of the database, or only look whether one could be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from mqadmin.core import database
from mqadmin.core.backups import checking, restoring
from mqadmin.core.backups.file import Manifest, Unfit
from mqadmin.core.backups.restoring import Done

AFTER = (
    "What was done since the backup is not known in it: letters in the inbox may have been requeued or discarded, "
    "what a purge kept may have been put back, messages of which no record is there may have been handled. "
    "Accounts, passwords, API tokens and roles are those of then: revoke again what was revoked since. The pages "
    "say so until somebody says that they know."
)


class Command(BaseCommand):
    """Nothing starts by itself afterwards: consumers are stopped, operations cancelled, rules off."""

    help = "Restore a backup of `backup`. Stop all processes before. With --check it is only looked at."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add FILE, --check and --replace."""
        parser.add_argument("file")
        parser.add_argument(
            "--check", action="store_true", help="look whether it is whole and of a known version"
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="the database may have data: it is kept beside the restored one under another name",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raise CommandError with a sentence for whatever goes wrong; nothing was changed then."""
        path = Path(options["file"]).absolute()
        try:
            if options["check"]:
                self._told(path, checking.check(path, self._say))
            else:
                self._done(path, restoring.restore(path, replace=options["replace"], say=self._say))
        except (Unfit, OSError) as error:
            raise CommandError(str(error)) from None
        except Error as error:
            raise CommandError(database.words(error)) from None

    def _say(self, text: str) -> None:
        self.stdout.write(f"{text} ...")
        self.stdout.flush()

    def _told(self, path: Path, manifest: Manifest) -> None:
        self.stdout.write(f"{path} is whole, and can be restored by this version.")
        self.stdout.write(
            f"Taken {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC by mqadmin {manifest.mqadmin} of {manifest.engine} "
            f"{manifest.engine_version}; {sum(manifest.counts.values()):,} rows of {len(manifest.counts)} tables."
        )
        self.stdout.write(f"Without the rows of {', '.join(manifest.left_out) or 'no table'}.")
        self.stdout.write(f"SHA-256 of its database: {manifest.sha256}")

    def _done(self, path: Path, done: Done) -> None:
        write = self.stdout.write
        write(f"Restored: {database.place().removeprefix('The ')} is the one of {path}.")
        if done.kept:
            write(
                f"What was there is kept as {done.kept}: what was captured since the backup is in that one alone."
            )
        for line in done.lines:
            write(f"  - {line}")
        if not done.lines:
            write("  - Nothing in it was about to go on by itself.")
        write(AFTER)
        if done.late:
            raise CommandError(
                f"Processes that were started at this very moment work on {done.kept}, not on the restored "
                f"database: end those with the pids {', '.join(map(str, done.late))}."
            )
