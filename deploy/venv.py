"""The virtual environment: made once, filled from the pinned requirements whenever they change.

    python3 -m deploy.venv requirements.txt

Called by the Makefile, which knows by a stamp file when there is nothing to do.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy import packages
from deploy.options import ROOT
from deploy.trouble import Trouble, report

FOLDER = ROOT / ".venv"
_MINIMUM = (3, 11)


def check_python() -> None:
    """Raise Trouble when this Python is too old for mqadmin."""
    if sys.version_info < _MINIMUM:
        running = ".".join(map(str, sys.version_info[:2]))
        raise Trouble(
            f"mqadmin needs Python 3.11 or newer; this is {running} ({sys.executable}). "
            "Name another one: make up PYTHON=python3.12"
        )


def main() -> None:
    """Create the environment if need be and install the requirements file given on the command line."""
    check_python()
    requirements = sys.argv[1]
    if not (FOLDER / "bin" / "pip").exists():
        _create()
    print(f"Installing {requirements} ...", flush=True)
    pip = [str(FOLDER / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--requirement", str(ROOT / requirements)]
    if subprocess.run(install, check=False).returncode:
        raise Trouble(f"pip could not install {requirements}: the lines above say why.")
    for name in {requirements, "requirements.txt"}:  # the second is part of every other
        _stamp(name).touch()


def _create() -> None:
    if not _can_create():
        if not packages.can_install():
            raise Trouble(
                f"Python's venv module is missing. Install it:\n  {packages.command('python3-venv')}"
            )
        packages.install("python3-venv")
    print(f"Creating {FOLDER} ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=False)
    if made.returncode:
        raise Trouble(f"{sys.executable} could not create {FOLDER}: the lines above say why.")


def _can_create() -> bool:
    """Debian splits ensurepip from Python, and says so only half-way through creating an environment."""
    probe = subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False)
    return probe.returncode == 0


def _stamp(requirements: str) -> Path:
    return FOLDER / f"{requirements}.stamp"


if __name__ == "__main__":
    report(main)
