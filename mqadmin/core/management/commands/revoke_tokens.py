"""Take API tokens back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mqadmin.core import unseen
from mqadmin.core.access import telling
from mqadmin.core.models import ApiToken


class Command(BaseCommand):
    """Tokens are told apart by their last four characters, which are all that is stored in clear."""

    help = "Revoke a user's API tokens: all of them, or the one that ends with --hint."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add USER and --hint."""
        parser.add_argument("user")
        parser.add_argument("--hint", default="", help="the last four characters of the token")

    def handle(self, *_args: Any, user: str, hint: str, **_options: Any) -> None:
        """Raise CommandError when there is no such token."""
        tokens = ApiToken.objects.filter(user__username=user)
        if hint:
            tokens = tokens.filter(hint=hint)
        count = tokens.count()
        if not count:
            raise CommandError(f"{unseen.plain(user)} has no such token.")
        detail = {"hints": list(tokens.values_list("hint", flat=True))[:20]}
        with telling.by_command(action="token.revoke", target=user, detail=detail, count=count):
            tokens.delete()
        self.stdout.write(f"Revoked {count} of {unseen.plain(user)}'s tokens.")
