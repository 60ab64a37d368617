"""A definition as a person sees it, known by a mark: a change made meanwhile is not overwritten."""

from __future__ import annotations

import json
import zlib

from consumers.definitions.definitions import supervised
from consumers.models import Consumer


def seen(consumer: Consumer) -> str:
    """Return a mark of the definition as a person sees it."""
    rest = json.dumps(supervised(consumer), sort_keys=True)
    return f"{consumer.revision}.{zlib.crc32(rest.encode()):08x}"
