"""What the audit log says of a changed definition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from consumers.handlers import registry
from consumers.models import Consumer


def told(before: Consumer, after: Consumer, changed: Iterable[str]) -> dict[str, Any]:
    """Return field -> from and to, without what may be secret in options: everybody reads the log, for ever."""
    found: dict[str, Any] = {
        field: {"from": getattr(before, field), "to": getattr(after, field)} for field in changed
    }
    if "options" in found:
        old, new = (
            registry.shown(before.handler, before.options),
            registry.shown(after.handler, after.options),
        )
        found["options"] = {"from": old, "to": new}
        if old == new:
            found["options"]["note"] = _("What changed is hidden here: it may be a secret.")
    return found
