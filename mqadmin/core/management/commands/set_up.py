"""Everything that has to be in place before mqadmin is started, one after the other in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from mqadmin.local.steps import MARK


class Command(BaseCommand):
    """Each step may be repeated; the first that fails ends it.

    A line before each step says what it is for, for who started this: `mqadmin.local.steps.run_several`.
    """

    help = "Bring database, static files, accounts and broker to where this version needs them."
    requires_system_checks = ()  # before its first step there is no database

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --demo."""
        parser.add_argument("--demo", action="store_true", help="and set up the demo")

    def handle(self, *_args: Any, demo: bool, **_options: Any) -> None:
        """Raise what a step raises, most often CommandError."""
        self._step("Preparing the database", "migrate", interactive=False)
        self._collect_static()
        self._step("Making the first account", "setup_admin")
        self._step("Preparing RabbitMQ", "setup_broker")
        if demo:
            self._step("Setting up the demo", "setup_demo")

    def _collect_static(self) -> None:
        """Copy the static files. Those of a copy that was cut off are made anew: they would pass for whole ones."""
        whole = Path(settings.VAR_DIR) / "static-is-whole"
        again = not whole.exists()
        whole.unlink(missing_ok=True)
        self._step("Preparing the pages", "collectstatic", interactive=False, clear=again)
        whole.touch()

    def _step(self, what: str, command: str, **options: Any) -> None:
        self.stdout.write(f"{MARK}{what}")
        self.stdout.flush()
        call_command(command, verbosity=0, stdout=self.stdout, stderr=self.stderr, **options)
