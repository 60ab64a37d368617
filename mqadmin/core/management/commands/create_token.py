"""Make an API token and show it once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mqadmin.core import unseen
from mqadmin.core.access import telling
from mqadmin.core.api import tokens


class Command(BaseCommand):
    """Prints nothing but the token, so that a script can take it."""

    help = "Make an API token of a user and print it. It cannot be shown again: only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add USER and --name."""
        parser.add_argument("user")
        parser.add_argument("--name", default="", help="what it is for")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raise CommandError for a user that does not exist or may not sign in."""
        name = options["user"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {unseen.plain(name)}.")
        if not user.is_active:
            raise CommandError(f"The account of {unseen.plain(name)} is switched off.")
        with telling.by_command(action="token.create", target=name, detail={"name": options["name"]}):
            token = tokens.create(user=user, name=options["name"])
        self.stdout.write(token)
