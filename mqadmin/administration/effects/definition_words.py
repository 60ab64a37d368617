"""The value of a policy's key as people read it."""

from __future__ import annotations

import json
from typing import Any

from mqadmin.core.pages.formats import duration, number, size
from mqadmin.rabbit.topology.policy_keys import BY_NAME


def value(name: str, found: Any) -> str:
    """Return the value of a key as people read it: 1,000, 5 min, 10 MB."""
    key = BY_NAME.get(name)
    is_number = isinstance(found, int) and not isinstance(found, bool)
    if key and is_number and found >= 0:
        if key.unit == "ms":
            return duration(found / 1000)
        return size(found) if key.unit == "bytes" else number(found)
    return found if isinstance(found, str) and found else json.dumps(found, ensure_ascii=False)
