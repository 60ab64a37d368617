"""Body bytes -> text for a person. Bodies are hostile: nothing here raises or inflates without bound."""

from __future__ import annotations

import codecs
import json
import zlib
from decimal import Decimal
from typing import Any, Literal

DisplayKind = Literal["empty", "json", "text", "hex"]

MAX_CHARACTERS = 200_000
MAX_INFLATED_BYTES = 1_000_000
_HEX_BYTES = 4_096
_CUT = "\n… (cut)"
# Only well-behaved codecs between bytes and text: Python also registers "zip", "hex" and "idna".
_CHARSETS = ("utf-8", "utf-16", "utf-32", "iso-8859", "latin", "windows-", "gb", "big5", "shift", "euc")


def display_text(
    body: bytes,
    content_type: str | None = None,
    content_encoding: str | None = None,
    *,
    max_characters: int = MAX_CHARACTERS,
) -> tuple[str, str]:
    """Return (text, kind): at most about `max_characters` of readable text, never an exception.

    `kind` is `empty`, `json` (indented), `text` or `hex` (a dump), with the encoding that was undone in
    front: `gzip+json`, `deflate+text`. Compressed bodies are recognised by `content_encoding` or gzip's own
    mark.
    """
    if not body:
        return "", "empty"
    encoding, content, is_whole = _inflate(body, _lower(content_encoding))
    if len(content) > MAX_INFLATED_BYTES:  # indenting 12 MB of JSON takes seconds, to show its beginning
        content, is_whole = content[:MAX_INFLATED_BYTES], False
    text, kind = _readable(content, _charset(content_type), is_whole)
    if len(text) > max_characters:
        text, is_whole = text[:max_characters], False
    return (text if is_whole else text + _CUT), f"{encoding}+{kind}" if encoding else kind


def _readable(content: bytes, charset: str, is_whole: bool) -> tuple[str, DisplayKind]:
    text = _decode(content, charset, is_whole)
    if text is None:
        return _hex_dump(content), "hex"
    if is_whole and text.lstrip()[:1] in ("{", "["):
        try:
            return _indented(text), "json"
        except (ValueError, ArithmeticError, RecursionError):
            pass
    return text, "text"


def _indented(text: str) -> str:
    """Return the JSON document indented. Raises ValueError where that would change what it says."""
    document = json.loads(text, parse_float=_exact, object_pairs_hook=_unique)
    # Escaped halves of surrogate pairs are valid JSON, but cannot be sent to a browser.
    return json.dumps(document, indent=2, ensure_ascii=False).encode(errors="replace").decode()


def _exact(text: str) -> float:
    number = float(text)
    if Decimal(text) != Decimal(repr(number)):
        raise ValueError(f"{text} has more digits than a float")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key is given twice")
    return table


def _decode(content: bytes, charset: str, is_whole: bool) -> str | None:
    """Return the text, or None when the bytes are not text that can be read."""
    try:
        # A body that was cut may end inside a character: only the whole of it must decode to its end.
        text = codecs.getincrementaldecoder(charset)().decode(content, final=is_whole)
    except (UnicodeError, LookupError):
        return _decode(content, "utf-8", is_whole) if charset != "utf-8" else None
    if any(ord(character) < 32 and character not in "\t\r\n\f\b\x1b" for character in text[:4096]):
        return None
    return text.encode(errors="replace").decode()


def _inflate(body: bytes, encoding: str) -> tuple[str, bytes, bool]:
    """Return (what was undone or "", content, whether it is all of it)."""
    windows: tuple[int, ...]
    if encoding in ("gzip", "x-gzip") or body[:3] == b"\x1f\x8b\x08":
        windows, name = (31,), "gzip"
    elif encoding in ("deflate", "zlib", "x-deflate"):
        windows, name = (15, -15), "deflate"
    else:
        return "", body, True
    for window in windows:
        inflater = zlib.decompressobj(window)
        try:
            content = inflater.decompress(body, MAX_INFLATED_BYTES)
        except zlib.error:
            continue
        return name, content, inflater.eof
    return "", body, True


def _hex_dump(content: bytes) -> str:
    shown = content[:_HEX_BYTES]
    lines = []
    for start in range(0, len(shown), 16):
        row = shown[start : start + 16]
        printable = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:08x}  {row.hex(' '):<47}  {printable}")
    if len(content) > _HEX_BYTES:
        lines.append(f"… {len(content) - _HEX_BYTES} more bytes")
    return "\n".join(lines)


def _charset(content_type: str | None) -> str:
    _, _, rest = _lower(content_type).partition("charset=")
    name = rest.split(";")[0].strip(" \"'")
    return name if name.startswith(_CHARSETS) else "utf-8"


def _lower(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
