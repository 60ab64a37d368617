"""Parts of a page in two columns of about the same height, whatever there is to say: no half stays empty. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HEAD, ROW = 44, 37  # pixels: a heading, a row of a table


@dataclass(frozen=True)
class Part:
    """A part: its template, about how high it is in pixels, and what it shows, where the template asks for it."""

    template: str
    height: float
    shown: Any = None


def rows(count: int, each: float = ROW) -> float:
    """Return how high a heading with so many rows is; nothing without any."""
    return HEAD + count * each if count else 0


def balanced(first: Part, second: Part, others: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Return the left column, which begins with `first`, and the right one, which begins with `second`.

    The others keep their order: each goes below the column that is shorter so far.
    """
    left, right = [first], [second]
    for part in others:
        column = left if _height(left) <= _height(right) else right
        column.append(part)
    return left, right


def _height(column: Sequence[Part]) -> float:
    return sum(part.height for part in column)
