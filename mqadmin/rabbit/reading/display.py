"""Body bytes -> text for a person. Bodies are hostile: nothing here raises or inflates without bound."""

from __future__ import annotations

import json
from typing import Any

from mqadmin.rabbit.reading import bodies, decoders
from mqadmin.rabbit.reading.decoders import Decoder
from mqadmin.rabbit.reading.jsontext import Style, exact, pairs, written

MAX_CHARACTERS = 200_000
_HEX_BYTES = 4_096
_CUT = "\n… (cut)"
_PICKLED = "Python's pickle: it is not opened, as that would run what its sender wrote into it."
_SHOWN = Style(comma=", ", colon=": ", indent="  ")


def display_text(
    body: bytes,
    content_type: str | None = None,
    content_encoding: str | None = None,
    *,
    queue: str = "",
    max_characters: int = MAX_CHARACTERS,
) -> tuple[str, str]:
    """Return (text, kind): at most about `max_characters` of readable text, never an exception.

    `kind` is `empty`, `json` (indented), `text` or `hex` (a dump), with what was undone in front:
    `gzip+json`, `deflate+text`, `base64+gzip+json`, `msgpack+json`, `protobuf+json`. A body that a decoder is for,
    by its type or its `queue`, and that it cannot read, is a dump below what was tried; Python's pickle is one too,
    and is never opened. See `mqadmin.rabbit.reading.bodies` and `decoders`.
    """
    if not body:
        return "", "empty"
    found = bodies.unwrap(body, content_type, content_encoding)
    content, is_whole = found.content, found.is_whole
    if (
        len(content) > bodies.MAX_INFLATED_BYTES
    ):  # indenting 12 MB of JSON takes seconds, to show its beginning
        content, is_whole = content[: bodies.MAX_INFLATED_BYTES], False
    text, kind = _readable(content, content_type, is_whole, decoders.of(content_type, queue))
    if len(text) > max_characters:
        text, is_whole = text[:max_characters], False
    return (text if is_whole else text + _CUT), "+".join((*found.layers, kind))


def _readable(
    content: bytes, content_type: str | None, is_whole: bool, decoder: Decoder | None
) -> tuple[str, str]:
    if decoder is not None:
        return _decoded(content, decoder, is_whole)
    if decoders.is_pickle(content, content_type):
        return f"{_PICKLED}\n\n{_hex_dump(content)}", "pickle+hex"
    if is_whole and bodies.is_msgpack(content_type):
        shown = _unpacked(content, content_type)
        if shown is not None:
            return shown, "msgpack+json"
    text = bodies.decoded(content, bodies.charset(content_type), is_whole=is_whole)
    if text is None:
        shown = _unpacked(content, content_type) if is_whole else None
        return (_hex_dump(content), "hex") if shown is None else (shown, "msgpack+json")
    if is_whole and text.lstrip()[:1] in ("{", "["):
        try:
            return _indented(text), "json"
        except (ValueError, RecursionError):
            pass
    return text, "text"


def _decoded(content: bytes, decoder: Decoder, is_whole: bool) -> tuple[str, str]:
    """Return what the decoder makes of it as indented JSON, else what was tried above the bytes."""
    try:
        if not is_whole:
            raise ValueError("it is too large, or was cut")
        value = decoder.decode(content)
        text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    except (ValueError, RecursionError) as error:
        tried = f"Not read as {decoder.said}: {str(error)[:300]}."
        return f"{tried}\n\n{_hex_dump(content)}", f"{decoder.name}?+hex"
    return text.encode(errors="replace").decode(), f"{decoder.name}+json"


def _unpacked(content: bytes, content_type: str | None) -> str | None:
    """Return a MessagePack body as indented JSON; what JSON does not have is written as text."""
    value = bodies.unpacked(content, content_type)
    if value is None:
        return None
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    except (ValueError, RecursionError):
        return None
    return text.encode(errors="replace").decode()


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode() if value.isascii() else f"0x{value[:64].hex()}"
    return str(value)


def _indented(text: str) -> str:
    """Return the JSON document indented: its numbers as they are written, doubled keys twice."""
    document = exact(text, table=pairs, is_lax=True)
    # Escaped halves of surrogate pairs are valid JSON, but cannot be sent to a browser: they stay escapes.
    return written(document, _SHOWN, "")


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
