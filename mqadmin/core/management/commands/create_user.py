"""Make an account with a role, or give an existing one another role or a new password."""

from __future__ import annotations

import getpass
import secrets
import sys
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mqadmin.core import permissions, unseen
from mqadmin.core.access import telling


class Command(BaseCommand):
    """Run again for the same name it changes the role, and with --password the password."""

    help = "Make an account with a role. A random password is printed once unless --password asks for one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add NAME, --role and --password."""
        parser.add_argument("name")
        parser.add_argument("--role", choices=sorted(permissions.ROLES), default="viewer")
        parser.add_argument(
            "--password", action="store_true", help="ask for the password (or read it from standard input)"
        )

    def handle(self, *_args: Any, name: str, role: str, password: bool, **_options: Any) -> None:
        """Raise CommandError for a name or a password that Django would not take."""
        permissions.ensure_roles()
        user = User.objects.filter(username=name).first() or User(username=name)
        is_new = user.pk is None
        chosen = _asked() if password else secrets.token_urlsafe(12) if is_new else None
        try:
            user.clean_fields(exclude=["password"])
            if chosen is not None:
                validate_password(chosen, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        detail = {"role": role, "new": is_new, "new_password": chosen is not None}
        with telling.by_command(action="user.create", target=name, detail=detail):
            if chosen is not None:
                user.set_password(chosen)
            user.save()
            permissions.give(user, role)
        self.stdout.write(f"{unseen.plain(name)} is {role}.")
        if is_new and not password:
            self.stdout.write(f"Password: {chosen}")


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise CommandError("The two passwords differ.")
    return first
