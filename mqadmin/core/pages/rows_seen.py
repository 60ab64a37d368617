"""Rows of live tables: each rendered once for all who look, and sent to who has it already by its place alone.

A refresh says in the header `MQ-Rows` which rows it has: "queue-7=1f3a90c2,queue-9=...". For each that is still the
same the answer has an empty `<tr id="queue-7" data-same></tr>`, which the page's script fills with what it has.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from mqadmin.core.pages import rendering
from mqadmin.core.remembered import Remembered

HEADER = "MQ-Rows"
KEPT = 2_000  # rows of each of two generations: about 10 MB at most
# What a page keeps ticking by itself must not make a row, or an answer, another one each second.
# No text and no attribute of a page has a bare ">".
_TICKING = re.compile("data-ago>[^<]*")
_ID = re.compile(r'<tr\b[^>]*?\bid="([\w-]+)"')
_SEEN = re.compile(r"([\w-]{1,60})=([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row as it is sent: its id ("" for none), what it is known by, its HTML."""

    id: str
    mark: str
    html: str

    @classmethod
    def of(cls, html: str) -> Drawn:
        """Return a row of a table, which says in its tag what it is known by."""
        found = _ID.match(html)
        mark = hashlib.blake2b(settled(html), digest_size=4).hexdigest()
        if found is None:
            return cls("", mark, html)
        return cls(found[1], mark, f'{html[: found.end()]} data-row="{mark}"{html[found.end() :]}')

    def shown(self, seen: Mapping[str, str]) -> str:
        """Return the row, or its place alone for somebody who has `seen` it."""
        if self.id and seen.get(self.id) == self.mark:
            return f'<tr id="{self.id}" data-same></tr>'
        return self.html


def settled(html: str) -> bytes:
    """Return HTML without what its page keeps ticking, to be known by."""
    return _TICKING.sub("data-ago>", html).encode("utf-8", "replace")


def by(request: HttpRequest | None) -> dict[str, str]:
    """Return the rows that whoever asks has: id -> what it is known by. Empty but for a refresh."""
    if request is None or not rendering.wants_fragment(request):
        return {}
    found = getattr(request, "_rows_seen", None)
    if found is None:
        found = dict(_SEEN.findall(request.headers.get(HEADER, "")[:8_000]))
        request._rows_seen = found  # type: ignore[attr-defined]
    return found


def kept(table: Hashable, key: Hashable, now: float) -> Drawn | None:
    """Return the row of a table that was kept under `key`, or None. `table`: what all of its rows are known by.

    `now`: epoch seconds, by which it is to be good still.
    """
    found = None if key is None else _drawn.get((table, key))
    return None if found is None or found[1] <= now else found[0]


def keep(table: Hashable, key: Hashable, html: str, until: float = math.inf) -> Drawn:
    """Keep a row for the next who looks, as long as it is good (epoch seconds); return it as it is sent."""
    drawn = Drawn.of(html)
    if key is not None:
        _drawn.put((table, key), (drawn, until))
    return drawn


def private(request: HttpRequest, response: HttpResponse) -> None:
    """Have no cache keep an answer that leaves out what one reader has: another one may not have it."""
    if HEADER in request.headers:
        response["Cache-Control"] = "private, no-store"


class Fragment:
    """A live part as it is kept for all who ask for it: what stands between its rows, and the rows."""

    def __init__(self, html: str, rows: Sequence[Drawn]) -> None:
        parts = html.split(_PLACE)
        assert len(parts) == len(rows) + 1, "a row was drawn in another one"
        self._begins, *self._after = parts
        self._rows = rows

    def shown(self, seen: Mapping[str, str]) -> str:
        """Return it as it is sent to somebody who has `seen` these rows."""
        rows = [f"{row.shown(seen)}{after}" for row, after in zip(self._rows, self._after, strict=True)]
        return "".join((self._begins, *rows))


@contextmanager
def apart(request: HttpRequest) -> Iterator[list[Drawn]]:
    """Within, tables put the rows that are kept into the list, and a mark in their place: see `Fragment`."""
    rows: list[Drawn] = []
    request._rows_apart = rows  # type: ignore[attr-defined]
    try:
        yield rows
    finally:
        del request._rows_apart  # type: ignore[attr-defined]


def shown(request: HttpRequest | None, rows: Iterable[Drawn]) -> list[str]:
    """Return rows as whoever asks gets them: whole, or their places alone."""
    aside: list[Drawn] | None = getattr(request, "_rows_apart", None)
    if aside is None:
        seen = by(request)
        return [row.shown(seen) for row in rows]
    before = len(aside)
    aside.extend(rows)
    return [_PLACE] * (len(aside) - before)


_PLACE = f"\0{secrets.token_hex(8)}\0"  # what nobody can guess, so that no name has it
_drawn: Remembered[tuple[Drawn, float]] = Remembered(KEPT)
forget = _drawn.forget
