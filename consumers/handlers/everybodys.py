"""What of a webhook is the server's, and so everybody's: values of its variables, addresses of its own network."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.core.hiding import VARIABLE_PREFIX


def refused(options: Any, references: Callable[[str], Collection[str]]) -> dict[str, str]:
    """Return option -> why who has roles for a part only may not define it so. `references`: the variables that a
    text names."""
    found = {
        name: _("%(variables)s hold secrets of all who work here: name none, or ask an admin to set this.")
        % {"variables": f"${VARIABLE_PREFIX}…"}
        for name, text in (("url", options.url), ("headers", options.headers))
        if references(text)
    }
    if options.allow_private:
        found["allow_private"] = _("Only an account whose role is for everything may allow these.")
    return found
