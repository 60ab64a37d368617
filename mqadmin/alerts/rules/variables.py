"""The environment variables that hold addresses and secrets of channels: their names, and whether they are there.

Only names with PREFIX are taken: whoever defines a channel must not send DATABASE_URL somewhere by it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from django.utils.translation import gettext as _

PREFIX = "MQADMIN_ALERT_"
_NAME = re.compile(rf"{PREFIX}[A-Z0-9_]{{1,80}}")


class Missing(Exception):
    """A variable that is not set here; its text names it and holds no value."""


def name_fault(name: str) -> str:
    """Return what is wrong with the name of a variable, "" for a good one."""
    if _NAME.fullmatch(name):
        return ""
    return _("The name of an environment variable that begins with %(prefix)s: capitals, digits and _.") % {
        "prefix": PREFIX
    }


def is_set(name: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process has it."""
    return not name_fault(name) and bool(environ.get(name, "").strip())


def known(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of those that this process has."""
    return sorted(name for name in environ if is_set(name, environ))


def value(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a variable's value, for sending alone. Raises Missing."""
    if is_set(name, environ):
        return environ[name].strip()
    raise Missing(
        _("The environment variable %(name)s is not set in this process, or is empty.") % {"name": name}
    )
