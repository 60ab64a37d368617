"""What a service said to a message, with secrets taken out: it is stored and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from mqadmin.core import hiding, unseen

LONGEST = 1000
_PARTS = re.compile(r"[/?&#=:@,\s]+")
SHORTEST_SECRET = 4  # shorter parts of an address are words like "to"


@dataclass(frozen=True)
class Answer:
    """Whether it was taken, and in which words. `is_final`: trying again is of no use."""

    ok: bool
    text: str
    is_final: bool = False


def clean(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` in a line, without `secrets` (whole addresses, keys) and their parts, and cut."""
    for part in sorted({part for secret in secrets for part in _pieces(secret)}, key=len, reverse=True):
        text = text.replace(part, hiding.SHOWN)
    return unseen.line(" ".join(hiding.hidden_text(text).split()))[:LONGEST]


def _pieces(secret: str) -> set[str]:
    """The secret itself and what an address is put together from, but for its scheme and words of services."""
    rest = secret.partition("://")[2] or secret
    found = {piece for text in (rest, unquote(rest)) for piece in _PARTS.split(text)}
    return {secret} | {piece for piece in found if len(piece) >= SHORTEST_SECRET and not piece.isalpha()}
