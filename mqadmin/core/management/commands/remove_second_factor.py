"""Take an account's second factors away, for who lost theirs and is the only admin."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mqadmin.core import unseen
from mqadmin.core.access import second_factor, telling


class Command(BaseCommand):
    """What an admin does on the page of an account."""

    help = "Take an account's second factors and recovery codes away: its password alone signs in then."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add NAME."""
        parser.add_argument("name")

    def handle(self, *_args: Any, name: str, **_options: Any) -> None:
        """Raise CommandError where there is no such account, or it has none."""
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account {unseen.plain(name)}.")
        kinds = second_factor.kinds(user)
        rows = Authenticator.objects.filter(user=user)
        count = rows.filter(type__in=second_factor.KINDS).count()
        if not count:
            raise CommandError(f"{unseen.plain(name)} has no second factor.")
        detail = {"factors": kinds}
        with telling.by_command(action=second_factor.REMOVE, target=name, detail=detail, count=count):
            rows.delete()
        self.stdout.write(f"Taken away. The password of {unseen.plain(name)} alone signs in now.")
