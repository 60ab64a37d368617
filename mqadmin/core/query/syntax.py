"""What a query is once it is read, and how a wrong one is refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from mqadmin.core.query.fields import Field

MOST_CHARACTERS = 4_000  # people may type 500; ages that became times are longer
MOST_TERMS = 60
DEEPEST = 12


class BadQuery(ValueError):
    """A query that cannot be read: why (`text`), which characters are to blame, and what would do."""

    def __init__(self, text: str, start: int, end: int, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.start = start
        self.end = max(end, start)
        self.suggestions = suggestions  # texts to stand in the place of those characters

    @property
    def position(self) -> int:
        """The first character that is to blame, from 0."""
        return self.start

    @property
    def message(self) -> str:
        """Why, and where, in one sentence."""
        return _("%(what)s (at character %(place)d)") % {"what": self.text, "place": self.start + 1}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a query, for a page: the text `before` the place, the `blamed` piece, the text `after`;
    and what would do, as (piece, whole query)."""

    text: str
    before: str
    blamed: str
    after: str
    suggestions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, query: str, error: BadQuery) -> Fault:
        before, after = query[: error.start], query[error.end :]
        better = [(piece, before + piece + after) for piece in error.suggestions]
        return cls(error.text, before, query[error.start : error.end], after, tuple(better))


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
    """What stands behind an operator. `number`: what it is as a number; a span in seconds; `when`: as a time.
    `is_pattern`: a regular expression, without its slashes."""

    text: str
    is_quoted: bool = False
    number: int | float | None = None
    when: Age | Period | None = None
    is_pattern: bool = False


@dataclass(frozen=True)
class Words:
    """A word, a quoted text or a pattern that stands alone: looked for where the rows have their words."""

    text: str
    start: int = 0
    end: int = 0
    is_pattern: bool = False


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
    """Every part holds; with no parts: every row."""

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
