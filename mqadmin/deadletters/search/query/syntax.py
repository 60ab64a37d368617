"""What a query is once it is read, and how a wrong one is refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mqadmin.deadletters.search.query.fields import Field

MOST_CHARACTERS = 4_000  # people may type 500; ages that became times are longer
MOST_TERMS = 60
DEEPEST = 12


class QueryError(ValueError):
    """A query that cannot be read: why, which characters are to blame, and what would do."""

    def __init__(self, text: str, start: int, end: int, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.start = start
        self.end = max(end, start)
        self.suggestions = suggestions  # texts to stand in the place of those characters


@dataclass(frozen=True)
class Age:
    """A time that is so many seconds before now."""

    seconds: float


@dataclass(frozen=True)
class Period:
    """A day, a minute or a second that was named: from `start` to before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Value:
    """What stands behind an operator. `number`: what it is as a number; `when`: as a time."""

    text: str
    is_quoted: bool = False
    number: int | float | None = None
    when: Age | Period | None = None


@dataclass(frozen=True)
class Words:
    """A word or a quoted text that stands alone: looked for in body, names and error."""

    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Condition:
    """`field.path operator value`; `start` and `end` say where it stands."""

    field: Field
    path: tuple[str, ...]
    operator: str
    value: Value
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Not:
    part: Node


@dataclass(frozen=True)
class All:
    """Every part holds; with no parts: every letter."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Either:
    parts: tuple[Node, ...]


Node = Words | Condition | Not | All | Either


def leaves(node: Node) -> Iterator[Words | Condition]:
    """Yield every word and condition, from left to right."""
    match node:
        case Not(part):
            yield from leaves(part)
        case All(parts) | Either(parts):
            for part in parts:
                yield from leaves(part)
        case Words() | Condition():
            yield node
