"""System packages for the checkout: installing them where the user may, and saying how where not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from mqadmin.local import steps
from mqadmin.local.packages import command as command
from mqadmin.local.trouble import Trouble

_SCRIPT = Path(__file__).with_name("apt-install")
_TITLES = {"rabbitmq-server": "RabbitMQ", "postgresql": "PostgreSQL", "python3-venv": "Python's venv module"}


def can_install() -> bool:
    """Whether this user may install with apt without typing a password."""
    return shutil.which("apt-get") is not None and _prefix() is not None


def install(*names: str, told: TextIO | None = None) -> None:
    """Install Debian packages; no service is started. Raises Trouble with apt's own words when it fails.

    `told`: where the line about it goes, stdout unless given.
    """
    prefix = _prefix()
    if prefix is None:
        raise Trouble(
            f"These packages are needed: {' '.join(names)}. Install them with:\n  {command(*names)}"
        )
    titles = ", ".join(_TITLES.get(name, name) for name in names)
    print(f"Installing {titles} ...", file=told or sys.stdout, flush=True)
    try:
        steps.run(f"Installing {titles} with apt", [*prefix, _SCRIPT, *names])
    except Trouble as trouble:
        raise Trouble(f"{trouble}\nTry it by hand: {command(*names)}") from None


def _prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["sudo", "-n"]
    return None
