"""Whole numbers in texts that come from outside: addresses, forms, paths into JSON, names of queues."""

from __future__ import annotations

DIGITS = 18  # any such number is within 64 bits, as a database's ids are


def whole(text: str, digits: int = DIGITS) -> int | None:
    """Return the number that `text` writes in at most so many ASCII digits; None for anything else, a sign too."""
    if not text.isascii() or not text.isdecimal() or len(text) > digits:
        return None
    return int(text)
