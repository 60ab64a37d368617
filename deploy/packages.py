"""System packages: installing them where the user may, and saying how where not."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from deploy import steps
from deploy.trouble import Trouble

_SCRIPT = Path(__file__).with_name("apt-install")
_TITLES = {"rabbitmq-server": "RabbitMQ", "postgresql": "PostgreSQL", "python3-venv": "Python's venv module"}
_COMMANDS = {
    "debian": "sudo apt-get update && sudo apt-get install {}",
    "fedora": "sudo dnf install {}",
    "rhel": "sudo dnf install {}",
    "arch": "sudo pacman -S {}",
    "suse": "sudo zypper install {}",
    "alpine": "sudo apk add {}",
    "macos": "brew install {}",
}


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


def command(*names: str) -> str:
    """Return the command that installs `names` on this system."""
    return _COMMANDS[_family()].format(" ".join(names))


def _prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["sudo", "-n"]
    return None


def _family() -> str:
    if platform.system() == "Darwin":
        return "macos"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "debian"
    for name in [release.get("ID", ""), *release.get("ID_LIKE", "").split()]:
        if name in _COMMANDS:
            return name
    return "debian"
