"""Make an API token and show it once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from mqadmin.core import unseen
from mqadmin.core.access import telling
from mqadmin.core.api import tokens
from mqadmin.core.models import ApiToken


class Command(BaseCommand):
    """Prints nothing but the token, so that a script can take it."""

    help = "Make an API token of a user and print it. It cannot be shown again: only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add USER, --name, --level and --days."""
        parser.add_argument("user")
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument(
            "--level", choices=ApiToken.Level.values, default="configure", help="the most that it may"
        )
        parser.add_argument(
            "--days", type=int, default=0, help="how long it opens; 0: for as long as it is used"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raise CommandError for a user that does not exist or may not sign in."""
        name = options["user"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {unseen.plain(name)}.")
        if not user.is_active:
            raise CommandError(f"The account of {unseen.plain(name)} is switched off.")
        days, level = options["days"], options["level"]
        if days < 0:
            raise CommandError("--days cannot be less than 0.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        detail = {
            "name": options["name"],
            "level": level,
            "expires_at": expires_at and expires_at.isoformat(),
        }
        with telling.by_command(action="token.create", target=name, detail=detail):
            _made, token = tokens.make(user=user, name=options["name"], level=level, expires_at=expires_at)
        self.stdout.write(token)
