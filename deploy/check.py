"""`make check`: every check that needs no broker and no browser. Runs them all, edits nothing.

.venv/bin/python -m deploy.check
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy import ROOT

TEMPLATE_LINE = 160  # characters: what still fits on a screen beside something else

_BIN = Path(sys.executable).parent


def main() -> int:
    """Run the checks; return 1 and name those that failed, 0 when none did."""
    failed = []
    long = long_lines(ROOT / "templates")
    print(f"{'template lines':<28} {'failed' if long else 'ok':<6}", flush=True)
    if long:
        failed.append("template lines")
        print("\n".join(long), flush=True)
    with tempfile.TemporaryDirectory() as var:
        environ = _production(Path(var))
        for name, command in _commands().items():
            began = time.monotonic()
            result = subprocess.run(
                command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
            verdict = "failed" if result.returncode else "ok"
            print(f"{name:<28} {verdict:<6} {time.monotonic() - began:5.1f} s", flush=True)
            if result.returncode:
                failed.append(name)
                print(result.stdout.decode(errors="replace"), flush=True)
    if failed:
        print(f"make check failed: {', '.join(failed)}")
    return 1 if failed else 0


def long_lines(folder: Path, limit: int = TEMPLATE_LINE) -> list[str]:
    """Return where a template below `folder` has a line of more than `limit` characters, in words."""
    return [
        f"{path.relative_to(folder)}:{number}: {len(line)} characters, {limit} at most"
        for path in sorted(folder.rglob("*.html"))
        for number, line in enumerate(path.read_text().split("\n"), start=1)
        if len(line) > limit
    ]


def _commands() -> dict[str, list[str]]:
    templates = sorted(str(path) for path in (ROOT / "templates").rglob("*.html"))
    manage = [sys.executable, "manage.py"]
    return {
        "ruff check": [str(_BIN / "ruff"), "check", "."],
        "ruff format": [str(_BIN / "ruff"), "format", "--check", "."],
        "mypy": [str(_BIN / "mypy")],
        "import contract": [str(_BIN / "lint-imports"), "--no-logo"],
        "templates": [str(_BIN / "djade"), "--check", "--target-version", "5.2", *templates],
        "makemigrations --check": [*manage, "makemigrations", "--check", "--dry-run"],
        "check --deploy": [*manage, "check", "--deploy", "--fail-level", "WARNING"],
    }


def _production(var: Path) -> dict[str, str]:
    """Return the environment of an installation behind HTTPS, which is what `check --deploy` is about."""
    return {
        **os.environ,
        "MQADMIN_HTTPS": "1",
        "MQADMIN_VAR": str(var),
        "MQADMIN_DEBUG": "0",
        "DATABASE_URL": "",
    }


if __name__ == "__main__":
    sys.exit(main())
