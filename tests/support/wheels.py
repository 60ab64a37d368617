"""Wheels, built and installed as anybody would, but for where pip is: a new environment has none of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy import ROOT


def build(source: Path, folder: Path) -> Path:
    """Build the wheel of the project in `source` into `folder`, which is empty."""
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], source)
    (found,) = folder.glob("*.whl")
    return found


def install(folder: Path, *wheels: Path) -> Path:
    """Install wheels, and what they ask for, into a new environment in `folder`; return where its programs are.

    In the versions that are locked, which pip has in its cache from `make venv-dev`.
    """
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder.parent)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
    given = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    locked = ["--constraint", str(ROOT / "requirements.txt")]
    _run(
        [*pip, "--no-compile", "--disable-pip-version-check", *locked, *map(str, wheels)],
        folder.parent,
        given,
    )
    return folder / "bin"


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
