"""Regular expressions from strangers: matched by RE2, in a time that grows with the name and not beyond.

Python's engine backtracks: `(a+)+$` on one queue name can take longer than the universe has. RE2 knows no
back-references and no look-around (https://github.com/google/re2/wiki/Syntax). Its `\\w`, `\\d`, `\\s` and `\\b`
mean ASCII; `\\pL` and `\\pN` are letters and digits of every script. Any number of threads may share a pattern.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Protocol, cast

import re2
from django.utils.translation import gettext as _

MAX_LENGTH = 200
MAX_MEMORY = 1024 * 1024  # bytes for one pattern and what RE2 keeps of it while it matches
BUDGET_S = 0.5  # seconds for all names: `(a?){999}b` takes milliseconds for each of them

# How RE2 names what it does not have, or what Python has under the same name.
_UNSUPPORTED = re.compile(r"invalid perl operator: \(\?(?:[=!]|<[=!]|P$)|invalid escape sequence: \\[1-9k]")


class Pattern(Protocol):
    """What `compiled` returns; the text is UTF-8."""

    def search(self, text: bytes, /) -> object | None: ...


class BadPattern(ValueError):
    """The pattern is not valid, or not one that may be evaluated; the text says why."""


def compiled(text: str) -> Pattern:
    """Return the pattern, ignoring case. Raises BadPattern."""
    if len(text) > MAX_LENGTH:
        raise BadPattern(_("The pattern is longer than %(n)s characters.") % {"n": MAX_LENGTH})
    try:
        pattern = re2.compile(text, _options())
    except UnicodeEncodeError as error:
        raise BadPattern(_("Not a valid pattern: %(why)s.") % {"why": error.reason}) from error
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
        if _UNSUPPORTED.match(why):
            raise BadPattern(_("Back-references and look-around are not supported here.")) from error
        raise BadPattern(_("Not a valid pattern: %(why)s.") % {"why": why}) from error
    re2.purge()  # it would keep the last 128 patterns of strangers, and the memory of each
    return cast(Pattern, pattern)


def matching(pattern: Pattern, names: Iterable[str]) -> Iterator[bool]:
    """Yield for each name whether `pattern` is found in it. Raises BadPattern when BUDGET_S is used up."""
    deadline = time.monotonic() + BUDGET_S
    for name in names:
        if time.monotonic() > deadline:
            raise BadPattern(_("The pattern takes too long on this many queues. Make it simpler."))
        yield pattern.search(name.encode()) is not None


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = MAX_MEMORY
    options.log_errors = False  # else it writes to the standard error output
    return options
