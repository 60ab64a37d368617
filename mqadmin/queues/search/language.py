"""Read a search of queues, and apply it to rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.query import parser
from mqadmin.core.query.syntax import All, BadQuery, Condition, Fault, Node, leaves
from mqadmin.queues.models import Queue
from mqadmin.queues.search import compiling, fields, matching

__all__ = ["EVERYTHING", "BadQuery", "Fault", "Search", "read"]

LONGEST = 2_000  # characters that people may type or keep
MOST_PATTERNS = 10  # each is one look at all names


@dataclass(frozen=True)
class Search:
    """A query that was read. `apply` may be called any number of times, at any later moment."""

    text: str = ""
    node: Node = All()  # noqa: RUF009 - frozen

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self.node != All()

    def apply(self, rows: QuerySet[Queue], now: datetime | None = None) -> QuerySet[Queue]:
        """Return those of `rows` that match at `now`, by default at once.

        Names are read at once where a pattern or a star is looked for; nothing else is. Raises BadQuery when
        a pattern takes too long on so many names. `rows` must not be sliced.
        """
        moment = now or timezone.now()
        parts = self.node.parts if isinstance(self.node, All) else (self.node,)
        for part in sorted(parts, key=compiling.is_plain, reverse=True):  # patterns look at what is left
            narrowed = rows

            def look(leaf: matching.Leaf, narrowed: QuerySet[Queue] = narrowed) -> Q:
                return matching.found(narrowed, leaf)

            rows = rows.filter(compiling.condition(part, moment, look))
        return rows

    def is_steady(self) -> bool:
        """Whether it chooses queues by what they are, not by what they do or what was set for them."""
        return all(
            not isinstance(leaf, Condition)
            or (leaf.field.name in fields.STEADY and leaf.field.name != "is")
            or (leaf.field.name == "is" and leaf.value.text in fields.STEADY_FLAGS)
            for leaf in leaves(self.node)
        )


EVERYTHING = Search()


def read(text: str) -> Search:
    """Return the search that `text` writes; an empty one finds everything. Raises BadQuery."""
    text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text
    node = parser.parse(text, fields.QUEUES)
    looked = [leaf for leaf in leaves(node) if matching.needed(leaf)]
    for leaf in looked:
        matching.check(leaf)
    if len(looked) > MOST_PATTERNS:
        leaf = looked[MOST_PATTERNS]
        text = _("A search has at most %(n)d patterns and stars.") % {"n": MOST_PATTERNS}
        raise BadQuery(text, leaf.start, leaf.end)
    return Search(text, node)


def fault(text: str) -> Fault | None:
    """Return what is wrong with `text`, None for one that can be read."""
    try:
        read(text)
    except BadQuery as error:
        return Fault.of(text, error)
    return None
