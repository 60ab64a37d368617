"""Names that are hard to show."""

from __future__ import annotations

from collections.abc import Callable

Naming = Callable[[str], str]
# A direction, an isolate, a zero-width space and joiner, a soft hyphen, a wide blank, a line separator, a selector
# alone, a tag, an escape, two blanks, letters from right to left, and a blank at the end.
UNSEEN = "\u202e\u2066x\u200b\u200d\xad\u3000\u2028\ufe0f\U000e0041\x1b  \u05d0\u05d1 "


def unseen(word: str) -> str:
    """Return a name that looks like another, or turns what stands beside it."""
    return f"{word}{UNSEEN}"


def long(word: str) -> str:
    """Return a name that no line has room for, no place to break it, and signs without a shape."""
    return f"{word}-{'W' * 90}{UNSEEN}"
