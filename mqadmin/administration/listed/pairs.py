"""Arguments as texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Pairs = list[tuple[str, str]]


def pairs(arguments: Mapping[str, Any]) -> Pairs:
    """Return arguments as texts, each value as JSON writes it but for plain text."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in arguments.items()
    ]
