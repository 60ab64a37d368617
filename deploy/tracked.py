"""The files of the checkout, as git knows them."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

_PLACES = ("mqadmin", "consumers", "deploy", "docs", "static", "templates", "locale", "benchmarks")


def tracked(root: Path) -> list[PurePosixPath]:
    """Return the files below `root`, relative to it; of a checkout without git, those where files of ours are."""
    asked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        return [PurePosixPath(line) for line in asked.stdout.splitlines() if (root / line).is_file()]
    found = [*root.glob("*"), *(path for place in _PLACES for path in (root / place).rglob("*"))]
    return [PurePosixPath(path.relative_to(root)) for path in sorted(found) if path.is_file()]
