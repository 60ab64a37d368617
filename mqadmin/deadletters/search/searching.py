"""A query put to work on rows, within bounds.

What no index answers looks at the newest letters only, and says so. A page looks as far as PAGE_SECONDS allow,
but at LEAST letters; an act, which a person waits for once, looks further. Each page reads the letters of its
search once, whatever its parts make of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.errors import Refusal
from mqadmin.core.pages import formats
from mqadmin.core.query.syntax import Age, All, BadQuery, Condition, Fault, Node, Words, leaves
from mqadmin.core.rows.among import among
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import fulltext
from mqadmin.deadletters.search.query import compiling, meaning
from mqadmin.deadletters.search.query.compiling import Compiled
from mqadmin.deadletters.search.query.meaning import Facts
from mqadmin.deadletters.search.query.parser import parse

# Letters that one search reads: in the database, and one by one in Python (headers and bodies).
MOST_SCANNED = 50_000
MOST_READ = 10_000
MOST_FRESH = 2_500  # of the letters that are not in the full-text index, those that match
PAGE_SECONDS = 0.04
LEAST = 2_000
_CHUNK = 1_000
_SCANNED = 5_000  # letters of one statement that looks at each
_COUNTED = ("broker", "vhost", "dead_letter_queue", "source_queue", "reason", "group", "status")


class Pick(NamedTuple):
    """What lists and causes need of a letter that matches."""

    pk: int
    group: str
    came_back: bool


@dataclass(frozen=True)
class Found:
    """The letters that match. `limit`: only that many of the newest were looked at; `oldest`: the id of the last
    of them; None: all were. `ids`: where the letters themselves had to be read, those that match."""

    rows: QuerySet[DeadLetter]
    limit: int | None = None
    oldest: int | None = None
    ids: tuple[int, ...] | None = None
    by_words: bool = False
    picks: tuple[Pick, ...] | None = None  # what is known of `ids`, newest first

    @property
    def notice(self) -> str:
        """What a person must know about the search's reach, "" when it saw everything."""
        if self.limit is None:
            return ""
        if self.by_words:
            return _("Only the newest %(n)s letters with these words were looked at.") % {
                "n": formats.number(self.limit)
            }
        return ngettext(
            "Only the newest %(n)s letter was searched: nothing indexes what is asked for.",
            "Only the newest %(n)s letters were searched: nothing indexes what is asked for.",
            self.limit,
        ) % {"n": formats.number(self.limit)}


def search(
    rows: QuerySet[DeadLetter], query: str, *, now: datetime | None = None, quick: bool = False
) -> Found:
    """Return the letters among `rows` that match. `quick`: for a page. Raises Refusal (422, "bad_query")."""
    if not query.strip():
        return Found(rows)
    moment = now or timezone.now()
    node = read(query)
    plan = compiling.compile_tree(node, moment, masked=_is_masked(node))
    if not plan.scans:
        return Found(rows.filter(plan.where))
    look = _Look(rows, node, plan, moment, ends=time.monotonic() + PAGE_SECONDS if quick else None)
    words = _indexed_words(node)
    if words and (mark := fulltext.mark()):
        return look.by_words(words, mark)
    return look.through() if quick or not plan.exact else look.in_database()


_memo: ContextVar[dict[tuple[str, str], Found] | None] = ContextVar("found letters", default=None)


@contextmanager
def remembered() -> Iterator[None]:
    """While one page is made, read the letters of one search once, however many parts of the page ask."""
    token = _memo.set({})
    try:
        yield
    finally:
        _memo.reset(token)


def narrow(rows: QuerySet[DeadLetter], query: str) -> QuerySet[DeadLetter]:
    """Return the letters among `rows` that match. Raises Refusal (422, "bad_query")."""
    return found(rows, query).rows


def found(rows: QuerySet[DeadLetter], query: str) -> Found:
    """Do the same, and tell what is known of them. Raises Refusal (422, "bad_query")."""
    memo = _memo.get()
    if memo is None or not query.strip():
        return search(rows, query)
    key = (str(rows.query), query)
    if key not in memo:
        memo[key] = search(rows, query, quick=True)
    return memo[key]


def notice() -> str:
    """Return how far the searches looked that were remembered, "" where they saw everything."""
    return next((found.notice for found in (_memo.get() or {}).values() if found.notice), "")


def checked(query: str) -> str:
    """Return the query as it is. Raises ValidationError for one that cannot be read."""
    try:
        read(query)
    except Refusal as refusal:
        raise ValidationError(refusal.text, code=refusal.code) from None
    return query


def fault(query: str) -> Fault | None:
    """Return what is wrong with `query`, None for one that can be read."""
    try:
        _parsed(query)
    except BadQuery as error:
        return Fault.of(query, error)
    return None


def read(query: str) -> Node:
    """Return the tree. Raises Refusal (422, "bad_query") with the place in words."""
    try:
        return _parsed(query.encode("utf-8", "replace").decode())  # half a surrogate pair is no text
    except BadQuery as error:
        raise Refusal(error.message, "bad_query", status=422, fields={"q": error.message}) from error


def _parsed(query: str) -> Node:
    """Return the tree. Raises BadQuery, also where it asks for what is masked."""
    node = parse(query)
    for leaf in leaves(node):
        if isinstance(leaf, Condition) and leaf.path and masking.is_refused(leaf.field.columns[0], leaf.path):
            text = _("“%(name)s” is masked: it is not searched for who may not see it.")
            name = ".".join((leaf.field.name, *leaf.path))
            raise BadQuery(text % {"name": name}, leaf.start, leaf.end)
    return node


def without_masked(query: str) -> str:
    """Return the query as others may read it: where fields are masked, without the words in it and without what
    such a field, or a text that may repeat one, is compared with."""
    if not settings.MQADMIN_MASKED or not query.strip():
        return query
    try:
        node = parse(query)
    except BadQuery:
        return masking.SHOWN
    for leaf in sorted(leaves(node), key=lambda item: -item.start):
        if isinstance(leaf, Words):
            query = f"{query[: leaf.start]}{masking.SHOWN}{query[leaf.end :]}"
        elif leaf.field.name in compiling.REPEATS_MASKED or masking.is_masked(
            leaf.field.columns[0], leaf.path
        ):
            asked = ".".join((leaf.field.name, *leaf.path))
            query = f"{query[: leaf.start]}{asked}{leaf.operator}{masking.SHOWN}{query[leaf.end :]}"
    return query


def _is_masked(node: Node) -> bool:
    """Whether the query asks for texts that repeat what is masked."""
    return masking.hides() and any(
        isinstance(leaf, Words) or leaf.field.name in compiling.REPEATS_MASKED for leaf in leaves(node)
    )


def freeze(rows: QuerySet[DeadLetter], query: str) -> tuple[str, tuple[int, ...] | None]:
    """Return (query, ids) that mean the same letters from now on, for an act that takes a while.

    Ages become times. Where only the newest letters were searched, the query says up to which; where letters
    had to be read, their ids are returned. Raises Refusal (422, "bad_query").
    """
    if not query.strip():
        return query, None
    now = timezone.now()
    found = search(rows, query, now=now)
    if found.ids is not None:
        return query, found.ids
    text = _with_times(query, read(query), now)
    return (f"id>={found.oldest} ({text})" if found.oldest else text), None


def _with_times(query: str, node: Node, now: datetime) -> str:
    for leaf in sorted(leaves(node), key=lambda item: -item.start):
        if isinstance(leaf, Condition) and isinstance(leaf.value.when, Age):
            turn = now - timedelta(seconds=leaf.value.when.seconds)
            sign = "<" if leaf.operator in (">", ">=") else ">="
            query = f"{query[: leaf.start]}{leaf.field.name}:{sign}{turn.isoformat()}{query[leaf.end :]}"
    return query


def _indexed_words(node: Node) -> list[str]:
    """Return the words that every letter must hold and that are long enough for the full-text index."""
    parts: Sequence[Node] = node.parts if isinstance(node, All) else (node,)
    words = (meaning.searched(part.text) for part in parts if isinstance(part, Words))
    return [word for word in words if len(word) >= fulltext.SHORTEST]


@dataclass(frozen=True)
class _Look:
    """A search that no index answers alone. `ends`: of time.monotonic(), for a page."""

    rows: QuerySet[DeadLetter]
    node: Node
    plan: Compiled
    now: datetime
    ends: float | None

    def by_words(self, words: Sequence[str], mark: int) -> Found:
        """Look through the full-text index, then at what is not in it: the newest letters and the edited ones."""
        most = fulltext.MOST if self.ends is None else min(fulltext.MOST, fulltext.MOST_ON_PAGE)
        candidates, has_more = fulltext.candidates(words, most)
        narrowed = self.rows.filter(self.plan.where).order_by("-pk")
        picks = set(self._picked(narrowed.filter(among(candidates))))
        picks.update(self._picked(narrowed.filter(pk__gt=mark)[:MOST_FRESH]))
        # By their ids, or the database would read every parked letter to find the few that were edited.
        edited = DeadLetter.objects.filter(edits__gt=0).order_by("-pk").values_list("pk", flat=True)
        picks.update(self._picked(narrowed.filter(among(list(edited[:MOST_FRESH])))))
        found = sorted(picks, reverse=True)
        is_cut = has_more or len(found) > MOST_READ
        limit = len(candidates) if is_cut else None
        return self._found(found[:MOST_READ], limit, candidates[-1] if is_cut else None, by_words=True)

    def through(self) -> Found:
        """Look at the newest letters, some at a time, until so many were seen or the time is up."""
        most = MOST_SCANNED if self.plan.exact else MOST_READ
        step = _SCANNED if self.plan.exact else _CHUNK
        if _is_held(self.node):
            candidates = self.rows.filter(self.plan.where).order_by("-pk")
            return self._found(self._picked(candidates[:most]), None, None)
        ids = self.rows.filter(self.plan.indexed).order_by("-pk").values_list("pk", flat=True)
        picks: list[Pick] = []
        seen, last = 0, None
        while seen < most:
            below = ids if last is None else ids.filter(pk__lt=last)
            size = min(step, most - seen)
            edge = list(below[size - 1 : size + 1])
            part = self.rows.filter(self.plan.where).order_by("-pk")
            if last is not None:
                part = part.filter(pk__lt=last)
            picks += self._picked(part.filter(pk__gte=edge[0]) if edge else part)
            if len(edge) < 2:
                return self._found(picks, None, None)
            seen, last = seen + size, edge[0]
            if self.ends is not None and seen >= LEAST and time.monotonic() > self.ends:
                break
        return self._found(picks, seen, last)

    def in_database(self) -> Found:
        """Have the database look at the newest letters: the answer is a condition."""
        oldest = None if _is_held(self.node) else _oldest(self.rows.filter(self.plan.indexed), MOST_SCANNED)
        narrowed = self.rows.filter(self.plan.where)
        if oldest is None:
            return Found(narrowed)
        return Found(narrowed.filter(pk__gte=oldest), MOST_SCANNED, oldest)

    def _picked(self, rows: QuerySet[DeadLetter]) -> list[Pick]:
        """Return those of the rows, which may be letters too many, that match."""
        if self.plan.exact:
            known = rows.values_list("pk", "group", "came_back_as")
            return [Pick(pk, group, as_ != "") for pk, group, as_ in known]
        return [
            Pick(row["pk"], row["group"], row["came_back_as"] != "")
            for row in rows.values(*_columns(self.node)).iterator(chunk_size=_CHUNK)
            if meaning.matches(self.node, Facts(_as_shown(row)), self.now)
        ]

    def _found(
        self, picks: Sequence[Pick], limit: int | None, oldest: int | None, *, by_words: bool = False
    ) -> Found:
        ids = tuple(pick.pk for pick in picks)
        return Found(self.rows.filter(among(ids)), limit, oldest, ids, by_words, tuple(picks))


def columns(query: str) -> dict[str, str] | None:
    """Return the columns and values that `query` asks for, if that is all it asks for; {} for an empty one."""
    if not query.strip():
        return {}
    node = read(query)
    found: dict[str, str] = {}
    for part in node.parts if isinstance(node, All) else (node,):
        if (
            not isinstance(part, Condition)
            or part.field.kind not in ("name", "choice")
            or part.field.columns[0] not in _COUNTED
            or part.operator == "!="
            or meaning.wildcard(part) is not None
            or not part.value.text
            or found.setdefault(part.field.columns[0], part.value.text) != part.value.text
        ):
            return None
    return found


def _is_held(node: Node) -> bool:
    """Whether the query itself says how far back it looks, by number."""
    parts: Sequence[Node] = node.parts if isinstance(node, All) else (node,)
    return any(
        isinstance(part, Condition) and part.field.name == "id" and part.operator in (">", ">=", ":", "=")
        for part in parts
    )


def _oldest(rows: QuerySet[DeadLetter], limit: int) -> int | None:
    """Return the id of the `limit`th newest row; None where there are no more than that."""
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[limit - 1 : limit + 1])
    return ids[0] if len(ids) == 2 else None


def _columns(node: Node) -> tuple[str, ...]:
    """Return what the query looks at: bodies only where it asks for them."""
    names = dict.fromkeys(
        ("pk", "group", "properties", "edits", "came_back_as", "maybe_duplicate_of_id", "note")
    )
    for leaf in leaves(node):
        names.update(dict.fromkeys(leaf.field.columns if isinstance(leaf, Condition) else ("search_text",)))
    if _is_masked(node):
        names.update(dict.fromkeys(_SHOWN))
    return tuple(names)


_SHOWN = (
    "message_id",
    "source_queue",
    "source_exchange",
    "routing_keys",
    "error_type",
    "error",
    "trace",
    "headers",
    "properties",
    "body",
    "search_text",
)


def _as_shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row without what is masked, where it was read for that."""
    if not masking.hides() or any(name not in row for name in _SHOWN):
        return row
    letter = DeadLetter(**{name: row[name] for name in _SHOWN})
    if not masking.hide(letter):
        return row
    shown = {"error": letter.error, "trace": letter.trace, "headers": letter.headers}
    return {**row, **shown, "search_text": letters.search_text_of(letter)}
