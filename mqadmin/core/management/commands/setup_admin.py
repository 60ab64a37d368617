"""Make the first account, once: `admin`, with a random password kept in a file only its owner can read."""

from __future__ import annotations

import os
import secrets
import string
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand

from mqadmin.core import permissions
from mqadmin.core.access import telling

ALPHABET = "".join(set(string.ascii_letters + string.digits) - set("0OIl1"))  # easy to read off a screen
LENGTH = 16


class Command(BaseCommand):
    """Idempotent: where an admin exists, it changes nothing and says so."""

    help = "Make the account admin with a random password, unless there is an admin already."

    def handle(self, *_args: Any, verbosity: int = 1, **_options: Any) -> None:
        """Print who can sign in, and where the password lies; never the password of an existing account."""
        path = Path(settings.VAR_DIR) / "admin-password"
        permissions.ensure_roles()
        admin = Group.objects.get(name="admin")
        existing = User.objects.filter(is_active=True).filter(groups=admin) | User.objects.filter(
            is_active=True, is_superuser=True
        )
        if existing.exists():
            where = f"; the first password is in {path}" if path.exists() else ""
            if verbosity:
                self.stdout.write(f"An admin account exists already{where}.")
            return
        password = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        # The file first: an account whose password nobody knows would be worse than a file without account.
        _write(path, password)
        with telling.by_command(
            action="user.create", target="admin", detail={"role": "admin", "new_password": True}
        ):
            user, _created = User.objects.get_or_create(username="admin")
            user.is_active = user.is_staff = user.is_superuser = True
            user.set_password(password)
            user.save()
            user.groups.add(admin)
        if verbosity:
            self.stdout.write(f"Sign in as admin with the password {password} (kept in {path}).")


def _write(path: Path, password: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(password + "\n")
    draft.replace(path)
