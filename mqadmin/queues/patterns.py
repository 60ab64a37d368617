"""Regular expressions from strangers: only forms whose matching time is bounded, within a budget of seconds.

Python's engine backtracks: `(a+)+$` on one queue name can take longer than the universe has. The parser's own
tree tells which parts can be tried in more than one way; their number and nesting bound the work for a name of
255 characters, and the clock bounds the rest. A search begins at every character, which counts like one more
unbounded repetition unless the pattern is anchored.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from django.utils.translation import gettext as _

MAX_LENGTH = 200
MAX_DEGREE = 3  # 255 to this power, divided by 3!, is the most steps one name can take
MAX_CHOICES = 6
FEW = 8  # a repeat of up to so many is a choice, beyond it counts as unbounded
BUDGET_S = 0.5

_LEAVES = {codes.LITERAL, codes.NOT_LITERAL, codes.IN, codes.ANY, codes.AT, codes.RANGE, codes.CATEGORY}
# At either end `.*` changes nothing about what a search finds, only how long it takes.
_LEADING = re.compile(r"^\.\*\??(?![?+*{])")
_TRAILING = re.compile(r"(?<!\\)\.\*\??$")
_STARTS = {codes.AT_BEGINNING, codes.AT_BEGINNING_STRING}


class BadPattern(ValueError):
    """The pattern is not valid, or not one that may be evaluated; the text says why."""


def compiled(text: str) -> re.Pattern[str]:
    """Return the pattern, ignoring case. Raises BadPattern."""
    if len(text) > MAX_LENGTH:
        raise BadPattern(_("The pattern is longer than %(n)s characters.") % {"n": MAX_LENGTH})
    text = _TRAILING.sub("", _LEADING.sub("", text))
    try:
        items = list(parser.parse(text, re.IGNORECASE))
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(_("Not a valid pattern: %(why)s.") % {"why": error}) from error
    anchored = bool(items) and items[0][0] is codes.AT and items[0][1] in _STARTS
    counts = {"unbounded": 0 if anchored else 1, "choices": 0}
    _count(items, counts, repeated=False)
    if counts["unbounded"] > MAX_DEGREE or counts["choices"] > MAX_CHOICES:
        raise BadPattern(_("Too many repetitions or alternatives: such a pattern could take for ever."))
    return pattern


def matching(pattern: re.Pattern[str], names: Iterable[str]) -> Iterator[bool]:
    """Yield for each name whether `pattern` is found in it. Raises BadPattern when BUDGET_S is used up."""
    deadline = time.monotonic() + BUDGET_S
    for name in names:
        if time.monotonic() > deadline:
            raise BadPattern(_("The pattern takes too long on this many queues. Make it simpler."))
        yield pattern.search(name) is not None


def _count(items: Iterable[tuple[Any, Any]], counts: dict[str, int], *, repeated: bool) -> None:
    for code, argument in items:
        if code in _LEAVES:
            continue
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            _count_repeat(argument, counts, repeated=repeated)
        elif code is codes.SUBPATTERN:
            _count(argument[3], counts, repeated=repeated)
        elif code is codes.BRANCH:
            _choice(counts, len(argument[1]) - 1, repeated=repeated)
            for branch in argument[1]:
                _count(branch, counts, repeated=repeated)
        else:
            raise BadPattern(_("Back-references and look-around are not supported here."))


def _count_repeat(argument: Sequence[Any], counts: dict[str, int], *, repeated: bool) -> None:
    low, high, items = argument
    if low == high and high <= FEW:
        _count(items, counts, repeated=repeated or high > 1)
        return
    if high - low <= FEW and high <= FEW:
        _choice(counts, high - low, repeated=repeated)
    else:
        _choice(counts, 0, repeated=repeated)
        counts["unbounded"] += 1
    _count(items, counts, repeated=True)


def _choice(counts: dict[str, int], ways: int, *, repeated: bool) -> None:
    if repeated:
        raise BadPattern(_("A repetition inside a repetition could take for ever: write it flat."))
    counts["choices"] += ways
