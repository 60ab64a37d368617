"""The reference: what is read from the code when the manual is built, so that none of it can go stale.

A page of `docs` has it in the place of its line with `<!-- made: NAME -->`.
"""

from __future__ import annotations

import re
from pathlib import Path

from deploy.manual.reference import alert_rules, api, commands, handlers, metrics, settings, verdicts

# A page of `docs` has such a line where something is made.
MARK = re.compile(r"^.*<!-- made: ([\w-]+) -->\n", re.MULTILINE)


def filled(text: str, root: Path) -> str:
    """Return a page with what its marks stand for. Raises KeyError for a mark that nothing is made for."""
    return MARK.sub(lambda found: _made(found[1], root), text)


def _made(name: str, root: Path) -> str:
    return settings.all_settings(root) if name == "settings" else MADE[name]()


MADE = {
    "alert-rules": alert_rules.rules,
    "api": api.calls,
    "commands": commands.all_commands,
    "handlers": handlers.all_handlers,
    "metrics": metrics.all_metrics,
    "verdicts": verdicts.all_verdicts,
}
