"""What a name may hold that the eye does not see: which signs those are, and how they are written. Pure.

Whoever may publish may choose names: a queue's, a header's, a consumer's tag. An override of the writing direction
(U+202E), a zero-width space or a second blank makes one look like another, or turns the words around it.
"""

from __future__ import annotations

import re
import unicodedata

# Controls, formats (directions, joiners, tags), blanks other than the plain one, separators, variation selectors,
# private use, what is no character at all, and fillers that have the form of a letter and no ink. Not here: signs
# of category Cf that Arabic and its like draw.
_ABOVE = (
    r"\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000"
    r"\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
_SIGNS = rf"\x00-\x1f\x7f-\xa0{_ABOVE}"
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # but for what ends a line, and tabs
_RTL = r"\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"

IN_NAME = re.compile(rf"[{_SIGNS}]|^ +| +$| {{2,}}")
# Of a text, also one over several lines: a number of ours has its no-break blanks, an emoji its selector.
IN_TEXT = re.compile(
    rf"[{_CONTROLS}\xa0{_ABOVE}]"
    r"(?!(?<=\d\xa0)[\dkMGTB])(?<![\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]\ufe0f)"
)
_SEEN = bytes([9, 10, 13, *range(0x20, 0x7F)])
_ODD = re.compile(rf"[{_CONTROLS}{_ABOVE}{_RTL}]")
_BLANK = re.compile(rb"\xc2\xa0(?!(?<=\d\xc2\xa0)[\dkMGTB])")
_IN_LINE = re.compile(rf"[{_SIGNS}]")
# Written from right to left, with what stands between its words: it must turn nothing that stands beside it.
RTL_RUN = re.compile(rf"[{_RTL}](?:(?:[^\w&<>\n{_SIGNS}]|[{_RTL}])*[{_RTL}])?")
_LITERAL = re.compile(r"\[(?=U\+[0-9A-Fa-f]{4,6}\])")
_MIXED_WORD = re.compile(r"[^\W\d_]+")
_TWINS = ("CYRILLIC ", "GREEK ", "ARMENIAN ", "CHEROKEE ", "COPTIC ", "FULLWIDTH ", "MATHEMATICAL ", "LISU ")
_CALLED = {
    0: "null",
    7: "bell",
    8: "backspace",
    9: "tab",
    10: "line feed",
    13: "carriage return",
    27: "escape",
}


def hides(page: bytes) -> bool:
    """Whether there is anything to write out in a text in UTF-8. Fast, as each page is asked."""
    rest = page.translate(None, _SEEN).decode()
    return bool(_ODD.search(rest) or _BLANK.search(page)) or b"[U+" in page


def code(sign: str) -> str:
    """Return what a sign is called by: "U+202E"."""
    return f"U+{ord(sign):04X}"


def called(sign: str) -> str:
    """Return the name that Unicode gives it: "right-to-left override"."""
    return unicodedata.name(sign, _CALLED.get(ord(sign), "character without a shape")).lower()


def plain(text: object, *, isolate: bool = False) -> str:
    """Return a name where there is no markup: a tip, a line of a log, a terminal. "a\u202eb" -> "a[U+202E]b".

    No two names are written alike: the bracket of one that holds "[U+202E]" itself is written as [U+005B]. With
    `isolate` what is written from right to left stands between U+2068 and U+2069.
    """
    return _written(str(text), IN_NAME, isolate=isolate)


def lines(text: object, *, isolate: bool = False) -> str:
    """Return a text as `plain` does, with its line breaks, tabs and blanks as they are."""
    return _written(str(text), IN_TEXT, isolate=isolate)


def line(text: object) -> str:
    """Return a text as `plain` does, with its blanks as they are: it neither ends a line nor moves about on it."""
    return _written(str(text), _IN_LINE, isolate=False)


def is_typed(typed: str, name: str) -> bool:
    """Whether somebody typed this name: as it is, or as `plain` writes it. Blanks around it do not count."""
    return typed.strip() in (name.strip(), plain(name).strip(), plain(name.strip()))


def strangers(text: str) -> list[tuple[int, str]]:
    """Return place and sign of the letters that are not Latin in a word that is: "pаyments" with a Cyrillic a."""
    if text.isascii():
        return []
    found = []
    for word in _MIXED_WORD.finditer(text):
        scripts = [unicodedata.name(sign, "") for sign in word[0]]
        if any(name.startswith("LATIN ") for name in scripts):
            found += [
                (word.start() + at, word[0][at]) for at, name in enumerate(scripts) if name.startswith(_TWINS)
            ]
    return found


def _written(text: str, signs: re.Pattern[str], *, isolate: bool) -> str:
    text = _LITERAL.sub("[U+005B]", text)
    text = signs.sub(lambda found: "".join(f"[{code(sign)}]" for sign in found[0]), text)
    return RTL_RUN.sub("\u2068\\g<0>\u2069", text) if isolate else text
