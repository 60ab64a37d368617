"""Write SQLite's file anew: without what is free in it, and so that it gives back what is deleted from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection

from mqadmin.core import database
from mqadmin.core.rows import giving_back


class Command(BaseCommand):
    """For a file from before 0.1.0. Stop all processes before: none can write meanwhile."""

    help = "Write SQLite's file anew, smaller where rows were deleted. Stop mqadmin's processes before."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Raise CommandError on PostgreSQL, and where others hold the file or the disk has no room."""
        if connection.vendor != "sqlite":
            raise CommandError("This is for SQLite: PostgreSQL gives back by itself.")
        path = Path(str(connection.settings_dict["NAME"]))
        try:
            before = path.stat().st_size
            giving_back.convert()
        except (Error, OSError) as error:
            raise CommandError(database.words(error)) from None
        self.stdout.write(f"{before / 1e6:,.0f} MB before, {path.stat().st_size / 1e6:,.0f} MB now.")
