"""Build the manual into a folder, `dist/manual` unless one is named; any link that leads nowhere ends it with 1.

.venv/bin/python -m deploy.manual [FOLDER]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from deploy import ROOT


def main() -> int:
    """Build all languages. Returns 1 where mkdocs tells of a link that leads nowhere or of a page in no menu."""
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "dist" / "manual"
    with tempfile.TemporaryDirectory(prefix="mqadmin-manual-") as scratch:
        _as_an_installation(Path(scratch))
        import django

        django.setup()
        from mkdocs.exceptions import Abort

        from deploy.manual import building  # it has models in it

        try:
            building.build(folder, Path(scratch))
        except Abort as wrong:
            print(wrong, file=sys.stderr)
            return 1
    print(f"The manual is in {folder}: open {folder / 'index.html'}")
    return 0


def _as_an_installation(scratch: Path) -> None:
    """Set the environment to that of nobody's installation: what is read from the code depends on none of ours."""
    for name in list(os.environ):
        if name.startswith(("MQADMIN_", "RABBITMQ_", "WEBHOOK_")):
            del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "mqadmin.settings",
        "DATABASE_URL": f"sqlite:///{scratch / 'database'}",
        "MQADMIN_VAR": str(scratch),
        "RABBITMQ_URL": "amqp://guest:guest@localhost/",  # nobody is asked
    }


if __name__ == "__main__":
    sys.exit(main())
