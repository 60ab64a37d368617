"""Sentences that were written in English, by a process that nobody asks, in the language of whoever reads them.

What is stored is the English sentence, whole: a database, a log and the API say it as it is. Its message is found
again by the catalogue of the reader's language, values and all, and worded anew (ADR 59). In English nothing is
done.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import trans_real

from mqadmin.core.translating import language

_LONGEST = 3_000  # letters: what is longer is no sentence
_DEEPEST = 4  # a sentence that gives another one as its reason, which gives another
_VALUE = re.compile(r"%\((\w+)\)[-+ 0#]*\d*(?:\.\d+)?([sdifg])|%()([sd])|\{(\w+)()(?:[:!][^{}]*)?\}")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SIGN = re.compile(r"[\u3400-\u9fff]")
_ENOUGH = 3  # words, or signs of a script that has no blanks
# A full-width stop has its blank in itself.
_END = re.compile(r"(?<=[.?!…])\s+|(?<=[。？！])\s*(?=\S)")
_NUMBERS = r"([-+]?\d[\d\s.,]*?)"


def is_english() -> bool:
    """Whether whoever asks reads what is stored as it is."""
    # Nobody ever asked this process for another language: so it is in all but the web's.
    if len(trans_real._translations) < 2:  # type: ignore[attr-defined]
        return True
    return (language() or "en").startswith("en")


def worded(text: str) -> str:
    """Return a sentence that was stored in English in the language of whoever asks; one not known, as it is."""
    if not text or is_english() or len(text) > _LONGEST:
        return text
    return _worded(language() or "", text)


def stored(text: str) -> str:
    """Return what is to be stored of a sentence that was put together for whoever asks: the English one."""
    if not text or is_english() or len(text) > _LONGEST:
        return text
    return _whole(_to_english(language() or ""), text, 0) or text


@lru_cache(maxsize=5_000)
def _worded(language: str, text: str) -> str:
    return _whole(_from_english(language), text, 0) or text


@dataclass(frozen=True)
class _Template:
    """A message: how it is known again, and what it is then written as."""

    pattern: re.Pattern[str]
    names: tuple[str, ...]
    literal: int  # letters that are not values: of two that fit, the one with more of them is meant
    other: str


@dataclass(frozen=True)
class _Book:
    """What a catalogue translates: whole sentences, and those with values, by a word that each of them has."""

    exact: dict[str, str]
    by_word: dict[str, list[_Template]]
    rest: list[tuple[str, _Template]]


def _whole(book: _Book, text: str, depth: int) -> str | None:
    """Return a text that may be several sentences; None where none of them is known."""
    found = _one(book, text, depth)
    if found is not None:
        return found
    cuts = [(match.start(), match.end()) for match in _END.finditer(text)]
    for end, begin in reversed(cuts):
        first = _one(book, text[:end], depth)
        if first is not None:
            rest = text[begin:]
            return first + _between(first) + (_whole(book, rest, depth) or rest)
    for _end, begin in cuts:  # a sentence of somebody else's first
        known = _whole(book, text[begin:], depth)
        if known is not None:
            return text[:begin] + known
    return None


def _between(sentence: str) -> str:
    """Return what parts a sentence from the next: nothing after a full-width stop."""
    return "" if sentence[-1:] in "。？！：；" else " "


def _one(book: _Book, text: str, depth: int) -> str | None:
    found = _known(book, text, depth)
    if found is None and text.endswith(".") and not text.endswith(".."):  # a title that stands as a sentence
        title = _known(book, text[:-1], depth)
        return None if title is None else title + ("\u3002" if _SIGN.search(title) else ".")
    return found


def _known(book: _Book, text: str, depth: int) -> str | None:
    exact = book.exact.get(text)
    if exact is not None:
        return exact
    trimmed = text.strip()
    if trimmed != text and trimmed in book.exact:
        return text.replace(trimmed, book.exact[trimmed])
    best: tuple[tuple[int, int], _Template, tuple[str, ...]] | None = None
    for template in _candidates(book, text):
        rank = (template.literal, -len(template.names))
        if best is not None and rank <= best[0]:
            continue
        match = template.pattern.fullmatch(text)
        if match is not None:
            best = (rank, template, match.groups())
    if best is None:
        return None
    _rank, template, values = best
    said: dict[str, str] = {}
    for name, value in zip(template.names, values, strict=True):
        said.setdefault(name, _value(book, value, depth))
    return _filled(template.other, said)


def _candidates(book: _Book, text: str) -> Iterator[_Template]:
    for word in dict.fromkeys(_WORD.findall(text)):
        yield from book.by_word.get(word, ())
    for chunk, template in book.rest:
        if chunk in text:
            yield template


def _value(book: _Book, value: str, depth: int) -> str:
    """Return a value: in other words where it is a sentence, or a part of one, itself. A single word is a name."""
    if depth >= _DEEPEST or len(value.split()) < 2:
        return value
    return _whole(book, value, depth + 1) or value


def _filled(text: str, said: dict[str, str]) -> str:
    counted = iter(range(len(said)))
    is_percent = "%" in text and "{" not in text

    def put(match: re.Match[str]) -> str:
        name = match[1] or match[5] or f"#{next(counted, 0)}"
        return said.get(name, match[0])

    return _VALUE.sub(put, text.replace("%%", "%") if is_percent else text)


def _template(message: str, other: str) -> tuple[_Template, list[str]] | None:
    """Return how a message with values is known again, and what stands between them; None where it has none."""
    pattern, at = "", 0
    names: list[str] = []
    chunks: list[str] = []
    # “%(name)s is %(state)s” would be found in much that strangers wrote: there a value is a word, no sentence.
    is_vague = _VALUE.match(message) is not None and not _says_enough(_VALUE.sub(" ", message))
    anything = r"([^ \t\n]*?)" if is_vague else r"(.*?)"
    for match in _VALUE.finditer(message):
        chunks.append(message[at : match.start()])
        pattern += re.escape(chunks[-1].replace("%%", "%"))
        pattern += _NUMBERS if match[2] in ("d", "i") or match[4] == "d" else anything
        names.append(match[1] or match[5] or f"#{len(names)}")
        at = match.end()
    if not names:
        return None
    chunks.append(message[at:])
    pattern += re.escape(chunks[-1].replace("%%", "%"))
    literal = sum(map(len, chunks))
    return _Template(re.compile(pattern, re.DOTALL), tuple(names), literal, other), chunks


def _says_enough(literal: str) -> bool:
    """Whether what stands around the values of a message is enough to know it by, whatever these are."""
    return len(_WORD.findall(literal)) >= _ENOUGH or len(_SIGN.findall(literal)) >= _ENOUGH


def _whole_words(chunks: list[str]) -> list[str]:
    """Return the words that stand in a message whole, whatever its values are."""
    text = "\0".join(chunks)
    return [
        match[0]
        for match in _WORD.finditer(text)
        if text[match.start() - 1 : match.start()] != "\0" and text[match.end() : match.end() + 1] != "\0"
    ]


def _book(pairs: Iterable[tuple[str, str]], *, by_words: bool) -> _Book:
    exact: dict[str, str] = {}
    made: list[tuple[_Template, list[str], list[str]]] = []
    for message, other in pairs:
        found = _template(message, other)
        if found is None:
            exact.setdefault(message, other)
        elif re.search(r"\w", "".join(found[1])):
            made.append((*found, _whole_words(found[1])))
    often = Counter(word for _template, _chunks, words in made for word in set(words))
    by_word: dict[str, list[_Template]] = defaultdict(list)
    rest = []
    for template, chunks, words in made:
        if by_words and words:
            by_word[min(words, key=lambda word: (often[word], -len(word)))].append(template)
        elif not by_words and template.literal > 1:
            rest.append((max(chunks, key=len).replace("%%", "%"), template))
    return _Book(exact, dict(by_word), rest)


def _pairs(language: str) -> Iterator[tuple[str, str]]:
    """Yield each message of a catalogue that has a translation, and that; no context, no header."""
    # The catalogue itself is no public part of Django: tests/core/test_wording.py fails where it changes.
    for key, other in trans_real.translation(language)._catalog.items():  # type: ignore[attr-defined]
        message = key[0] if isinstance(key, tuple) else key
        if message and other and "\x04" not in message:
            yield message, other


@lru_cache(maxsize=8)
def _from_english(language: str) -> _Book:
    return _book(_pairs(language), by_words=True)


@lru_cache(maxsize=8)
def _to_english(language: str) -> _Book:
    return _book(((other, message) for message, other in _pairs(language)), by_words=False)


def forget() -> None:
    """Read the catalogues anew: for tests that have some of their own."""
    for cache in (_worded, _from_english, _to_english):
        cache.cache_clear()
