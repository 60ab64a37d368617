"""System packages: the command that installs one here. Nothing here installs any."""

from __future__ import annotations

import platform

_COMMANDS = {
    "debian": "sudo apt-get update && sudo apt-get install {}",
    "fedora": "sudo dnf install {}",
    "rhel": "sudo dnf install {}",
    "arch": "sudo pacman -S {}",
    "suse": "sudo zypper install {}",
    "alpine": "sudo apk add {}",
    "macos": "brew install {}",
}


def command(*names: str) -> str:
    """Return the command that installs `names` on this system."""
    return _COMMANDS[_family()].format(" ".join(names))


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
