"""List API tokens."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from mqadmin.core import unseen
from mqadmin.core.models import ApiToken


class Command(BaseCommand):
    """A line for each: the last four characters, user, when it was used last, what it is for. No line for none."""

    help = "List API tokens, of all users or of one. What is stored of a token are its last four characters."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add USER."""
        parser.add_argument("user", nargs="?", default="")

    def handle(self, *_args: Any, user: str, **_options: Any) -> None:
        """Print them, by user, the newest first."""
        found = ApiToken.objects.select_related("user").order_by("user__username", "-created_at")
        if user:
            found = found.filter(user__username=user)
        for token in found:
            used = "never used"
            if token.last_used_at:
                used = f"used {timezone.localtime(token.last_used_at):%Y-%m-%d %H:%M}"
            words = (token.hint, unseen.plain(token.user.get_username()), used, unseen.plain(token.name))
            self.stdout.write("  ".join(words).rstrip())
