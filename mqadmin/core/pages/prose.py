"""Words, names and sentences joined as the reader's language joins them: its commas, its stops, its blanks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import pgettext

from mqadmin.core.translating import language

_ENDS = (".", "?", "!", "…", ":", "\u3002", "\uff1f", "\uff01", "\uff1a")
WIDE = "\u3002\uff1f\uff01\uff1a\uff1b\uff0c"  # full-width signs: their blank is in them


def sentence_of(parts: Sequence[str]) -> str:
    """Return parts as one sentence: ["It is running", "on rabbit@one"] -> "It is running, on rabbit@one."."""
    return ended(clause(parts))


def clause(parts: Iterable[str]) -> str:
    """Return parts of a sentence without its stop: ["256 kB", "of failed ones"] -> "256 kB, of failed ones"."""
    return comma().join(filter(None, parts))


def clauses(parts: Iterable[str]) -> str:
    """Return what could each be a sentence, without a stop: ["it runs", "it reads"] -> "it runs; it reads"."""
    return _sign(language(), "clauses").join(filter(None, parts))


def listed(names: Iterable[object]) -> str:
    """Return names, or words that stand side by side: ["a", "b"] -> "a, b"."""
    return between_names().join(map(str, names))


def labelled(label: object, text: object) -> str:
    """Return a text behind what it is: "Retry: 3 times"; the label alone where there is no text."""
    return f"{label}{colon()}{text}" if text else str(label)


def aside(text: object, inside: object) -> str:
    """Return a text with another in brackets behind it: "purged orders (12 messages)"."""
    return pgettext("a text in brackets behind another", "%(text)s (%(inside)s)") % {
        "text": text,
        "inside": inside,
    }


def ended(text: str) -> str:
    """Return a title as a sentence: with its stop, unless it has one."""
    if not text or text.endswith(_ENDS):
        return text
    return pgettext("a whole sentence", "%(parts)s.") % {"parts": text}


def paragraph(sentences: Iterable[str | Promise | None]) -> str:
    """Return sentences as one text, those that are empty left out: no blank after a full-width stop."""
    text = ""
    for sentence in filter(None, sentences):
        said = str(sentence)
        text += gap(text) + said
    return text


def gap(before: str) -> str:
    """Return what parts a sentence from the next."""
    return "" if not before or before[-1] in WIDE else " "


def comma() -> str:
    """Return the sign between parts of a sentence, with its blank."""
    return _sign(language(), "parts")


def between_names() -> str:
    """Return the sign between names that stand side by side, with its blank."""
    return _sign(language(), "names")


def colon() -> str:
    """Return the sign behind a label, with its blank."""
    return _sign(language(), "label")


@lru_cache(maxsize=50)
def _sign(_language: str | None, kind: str) -> str:
    signs = {
        "parts": pgettext("between parts of a sentence", ", "),
        "clauses": pgettext("between clauses", "; "),
        "names": pgettext("between names", ", "),
        "label": pgettext("behind a label", ": "),
    }
    return signs[kind]
