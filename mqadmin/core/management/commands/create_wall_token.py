"""Make a link that opens the wall, and show it once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from mqadmin.core import unseen
from mqadmin.core.access import telling, walls
from mqadmin.core.errors import Refusal


class Command(BaseCommand):
    """Prints nothing but the address, from the root of the host on, so that a script can take it."""

    help = "Make a link that opens the wall, and nothing else, on a screen where nobody signs in. It is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add USER and --name."""
        parser.add_argument("user", help="an admin: the link sees what they may see, as long as they are one")
        parser.add_argument("--name", required=True, help="which screen it is for")

    def handle(self, *_args: Any, user: str, name: str, **_options: Any) -> None:
        """Raise CommandError for a user that does not exist or is no admin, and without a name."""
        found = User.objects.filter(username=user).first()
        if found is None:
            raise CommandError(f"There is no user {unseen.plain(user)}.")
        try:
            token = walls.create(user=found, name=name, by=telling.SHELL, detail=telling.shell())
        except Refusal as error:
            raise CommandError(f"{unseen.plain(user)}: {error.text}") from None
        self.stdout.write(reverse("wall_open", args=[token]))
