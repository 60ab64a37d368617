"""Whether the pattern of a policy matches a name, as RabbitMQ decides it, told by RE2. Pure.

RabbitMQ matches with Erlang's `re`, on bytes, anywhere in the name (rabbit_policy:matches/3). That is PCRE, and
PCRE2 from Erlang 28 on; it backtracks, and what takes it too long counts as no match. RE2 takes a time that grows
with the name and not beyond. Where the two may differ nothing is guessed: None. Tried on 3.10.8, 4.0.5 and 4.3.6,
see ADR 37.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import re2

MAX_MEMORY = 1024 * 1024  # bytes for one pattern and what RE2 keeps of it while it matches
_PLAIN = re.compile(rb"[\x20-\x7e]*\Z")
# What of a pattern goes by a table of characters: the same in both for ASCII alone.
_BY_CHARACTER = re.compile(rb"\\[a-zA-Z]|\[:|\(\?[a-zA-Z-]*i")
_REPEATED_FROM_NONE = re.compile(rb"\{\s*,")  # literal in PCRE and RE2, in PCRE2 from 10.43 on a repetition


# A pattern without alternatives that begins with these matches only names that begin so: most of them do.
_LITERAL = re.compile(r"\^((?:[A-Za-z0-9_-]|\\\.)+)(?![*?{])")


class _Engine(Protocol):
    def search(self, text: bytes, /) -> object | None: ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that is read. It matches only names that begin with `begins`."""

    engine: _Engine
    begins: str
    has_dollar: bool
    is_by_character: bool

    def matches(self, name: str) -> bool | None:
        """Tell whether it is found in a name; None: it cannot be told."""
        if not name.startswith(self.begins):
            return False
        text = name.encode(errors="surrogatepass")
        if self.is_by_character and not _PLAIN.match(text):
            return None
        if self.has_dollar and text.endswith(b"\n"):  # PCRE's stands before a last line end as well
            return None
        return self.engine.search(text) is not None


def matches(pattern: str, name: str) -> bool | None:
    """Tell whether a policy's pattern is found in a name; None: it cannot be told. Any thread may call."""
    found = compiled(pattern)
    return None if found is None else found.matches(name)


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Pattern | None:
    """Return a pattern to match names with; None: of this one it cannot be told."""
    source = pattern.encode(errors="surrogatepass")
    if _REPEATED_FROM_NONE.search(source):
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # each byte a character, as Erlang has it
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    try:
        engine = cast(_Engine, re2.compile(source, options))
    except re2.error:
        return None
    finally:
        re2.purge()  # it keeps patterns as well
    literal = None if "|" in pattern else _LITERAL.match(pattern)
    return Pattern(
        engine,
        literal[1].replace("\\.", ".") if literal else "",
        "$" in pattern,
        _BY_CHARACTER.search(source) is not None,
    )
