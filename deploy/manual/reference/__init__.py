"""The reference: what is read from the code when the manual is built, so that none of it can go stale.

A page of `docs` has it in the place of its line with `<!-- made: NAME -->`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from deploy.manual.reference import alert_rules, api, commands, handlers, metrics, settings, verdicts

# A page of `docs` has such a line where something is made.
MARK = re.compile(r"^.*<!-- made: ([\w-]+) -->\n", re.MULTILINE)


def filled(text: str, path: Path, root: Path) -> str:
    """Return the page `path` with what its marks stand for. Raises KeyError for a mark that nothing is made for."""
    docs = os.path.relpath(root / "docs", path.parent)
    return MARK.sub(lambda found: _made(found[1], root, docs), text)


def _made(name: str, root: Path, docs: str) -> str:
    return settings.all_settings(root, docs) if name == "settings" else MADE[name]()


MADE = {
    "alert-rules": alert_rules.rules,
    "api": api.calls,
    "commands": commands.all_commands,
    "handlers": handlers.all_handlers,
    "metrics": metrics.all_metrics,
    "verdicts": verdicts.all_verdicts,
}
