"""Tables and texts in Markdown, from words that were written for something else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table, a line for each row."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row([cell(item) for item in row]) for row in rows)]
    return "\n".join(lines) + "\n"


def cell(item: object) -> str:
    """Return a text as it stands in one cell: on one line, its bars no borders."""
    return re.sub(r"\s+", " ", str(item)).strip().replace("|", "\\|")


def code(text: object) -> str:
    """Return a name as code, "" for none."""
    return f"`{text}`" if str(text) else ""


def plain(text: object) -> str:
    """Return words that are no Markdown: what would be read as HTML or as emphasis is not."""
    return re.sub(r"([<>*_\[\]\\])", r"\\\1", str(text))


def slug(text: str) -> str:
    """Return a name for a heading's address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
