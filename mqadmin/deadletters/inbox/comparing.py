"""What an edit changed, line by line: the letter as it was captured beside what would be requeued. Bounded."""

from __future__ import annotations

import base64
import copy
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.deadletters.letter import bodytext
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.reading import display, jsontext

MOST_LINES = 2_000  # of each side
MOST_IN_A_LINE = 400
_CHARACTERS = 200_000


@dataclass(frozen=True)
class DiffLine:
    """One line: `sign` is "-" (gone), "+" (new), " " (as it was) or "@" (some are left out)."""

    sign: str
    text: str


@dataclass(frozen=True)
class DiffPart:
    """What changed in the body, the headers or the properties."""

    title: str
    lines: list[DiffLine]


@dataclass(frozen=True)
class Content:
    """What of a letter is published."""

    body: bytes
    headers: Mapping[str, Any]
    properties: Mapping[str, Any]


def captured(letter: DeadLetter) -> Content:
    """Return the letter as it was captured, whatever was edited since."""
    was = letter.original
    if was is None:
        return now(letter)
    return Content(base64.b64decode(was["body"]), was["headers"], was["properties"])


def now(letter: DeadLetter) -> Content:
    """Return the letter as it would be requeued."""
    return Content(bytes(letter.body), letter.headers, letter.properties)


def of(letter: DeadLetter, *, reveal: bool = False) -> list[DiffPart]:
    """Return what was edited; hidden values stay hidden on both sides unless `reveal`. Changes nothing."""
    return between(letter, captured(letter), now(letter), reveal=reveal)


def between(letter: DeadLetter, before: Content, after: Content, *, reveal: bool = False) -> list[DiffPart]:
    """Return what differs between two contents of one letter, hidden values hidden as `of` does."""
    sides = []
    for content in (before, after):
        side = copy.copy(letter)
        side.body, side.headers, side.properties = (
            content.body,
            dict(content.headers),
            dict(content.properties),
        )
        if not reveal:
            masking.hide(side)
        sides.append(now(side))
    return compare(*sides)


def compare(before: Content, after: Content) -> list[DiffPart]:
    """Return the parts that differ, each with its changed lines and three around them."""
    parts = []
    if before.body != after.body:
        parts.append(DiffPart(_("Body"), _lines(*_bodies(before, after))))
    for title, one, other in (
        (_("Headers"), before.headers, after.headers),
        (_("Properties"), before.properties, after.properties),
    ):
        if not jsontext.same(one, other):
            parts.append(DiffPart(title, _lines(_table(one), _table(other))))
    return parts


def _bodies(before: Content, after: Content) -> tuple[str, str]:
    """Return both bodies as text; as hex where that is the only way to see what differs."""
    shown = [_shown(side) for side in (before, after)]
    if "" not in shown and shown[0] != shown[1]:
        return shown[0], shown[1]
    return _hex(before.body), _hex(after.body)


def _shown(content: Content) -> str:
    names = (content.properties.get("content_type"), content.properties.get("content_encoding"))
    kind_, encoding = (name if isinstance(name, str) else None for name in names)
    text, kind = display.display_text(content.body, kind_, encoding, max_characters=_CHARACTERS)
    is_dump = kind in ("hex", "empty") or kind.endswith(("?+hex", "pickle+hex"))
    return "" if is_dump else text


def _hex(body: bytes) -> str:
    return "\n".join("  ".join(row) for row in bodytext.rows(body))


def _table(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)[:_CHARACTERS]


def _lines(before: str, after: str) -> list[DiffLine]:
    was, is_ = before.splitlines()[:MOST_LINES], after.splitlines()[:MOST_LINES]
    found: list[DiffLine] = []
    for line in list(difflib.unified_diff(was, is_, n=3, lineterm=""))[2:]:
        if line.startswith("@@"):
            if found:
                found.append(DiffLine("@", "…"))
            continue
        text = line[1:]
        found.append(DiffLine(line[0], text if len(text) <= MOST_IN_A_LINE else f"{text[:MOST_IN_A_LINE]}…"))
    return found or [DiffLine("@", _("It differs only beyond what is shown here."))]
