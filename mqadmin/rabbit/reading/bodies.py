"""What a body is under its encodings: gzip, zlib, zstd, base64, then JSON, MessagePack, what a decoder reads,
text or bytes.

Bodies are hostile: nothing here raises, inflates without bound, or unwraps more than a few layers.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any, Literal

from mqadmin.rabbit.reading import decoders, messagepack

Kind = Literal["empty", "json", "msgpack", "text", "bytes"]

MAX_INFLATED_BYTES = 1_000_000
MAX_LAYERS = 3
_MAX_BASE64 = 4 * MAX_INFLATED_BYTES // 3
_GZIP, _DEFLATE = ("gzip", "x-gzip"), ("deflate", "zlib", "x-deflate")
_ZSTD, _ZSTD_MARK = ("zstd", "x-zstd"), b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW = (
    1 << 23
)  # bytes of memory that a body may ask for to be read (RFC 8878 has 8 MB as what all support)
_ZLIB_MARKS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_BASE64 = re.compile(
    rb"[A-Za-z0-9+/_\-\s]++={0,2}+\s*+"
)  # nothing is given back: else blanks cost their square
_NO_ENCODINGS = {"", "identity", "utf-8", "us-ascii"}  # Celery names the charset there
_OPENING = ("{", "[", '"', "'")
_MSGPACK_TYPES = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")
# Only well-behaved codecs between bytes and text: Python also registers "zip", "hex" and "idna".
_CHARSETS = ("utf-8", "utf-16", "utf-32", "iso-8859", "latin", "windows-", "gb", "big5", "shift", "euc")


@dataclass(frozen=True)
class Unwrapped:
    """`content` is what the `layers` (outermost first) held; not `is_whole`: only its beginning."""

    content: bytes
    layers: tuple[str, ...] = ()
    is_whole: bool = True


def unwrap(body: bytes, content_type: str | None = None, content_encoding: str | None = None) -> Unwrapped:
    """Undo what `content_encoding` names, and gzip, zlib and base64 that can be told without it.

    At most MAX_LAYERS layers and about MAX_INFLATED_BYTES of an inflated body. Base64 that nobody declared is
    undone only if compressed data or JSON comes out: ordinary words are base64 too.
    """
    declared = [name.strip() for name in _lower(content_encoding).split(",") if name.strip()]
    content, is_whole = body, True
    layers: list[str] = []
    # HTTP's rule: encodings are named in the order they were applied.
    while len(layers) < MAX_LAYERS and is_whole:
        found = _layer(content, declared.pop() if declared else "", is_json=_is_json_type(content_type))
        if found is None:
            if not declared:
                break
            continue
        name, content, is_whole = found
        layers.append(name)
    return Unwrapped(content, tuple(layers), is_whole)


def document(
    body: bytes, content_type: str | None = None, content_encoding: str | None = None, queue: str = ""
) -> Any:
    """Return the value that a body holds in JSON, MessagePack or what a decoder reads, else None. Bounded; never
    raises. `queue`: where it comes from, by which a decoder may be chosen."""
    found = unwrap(body, content_type, content_encoding)
    if not found.is_whole or len(found.content) > MAX_INFLATED_BYTES:
        return None
    if (decoder := decoders.of(content_type, queue)) is not None:
        try:
            return decoder.decode(found.content)
        except ValueError:
            return None
    text = decoded(found.content, charset(content_type), is_whole=True)
    if text is not None:
        value = parse_json(text)
        if value is not None or not is_msgpack(content_type):
            return value
    return unpacked(found.content, content_type)


def json_text(
    body: bytes, content_type: str | None = None, content_encoding: str | None = None, queue: str = ""
) -> str | None:
    """Return the text of a body that holds a JSON object or array, else None. Bounded; never raises."""
    if decoders.of(content_type, queue) is not None:
        return None
    found = unwrap(body, content_type, content_encoding)
    if not found.is_whole or len(found.content) > MAX_INFLATED_BYTES:
        return None
    text = decoded(found.content, charset(content_type), is_whole=True)
    return None if text is None or parse_json(text) is None else text


def is_plain(
    body: bytes, content_type: str | None = None, content_encoding: str | None = None, queue: str = ""
) -> bool:
    """Whether the body is text and surely no document, not even one that `document` cannot read: nothing says that
    it is encoded, and it does not begin like JSON. Never raises."""
    encodings = {name.strip() for name in _lower(content_encoding).split(",")}
    if is_msgpack(content_type) or not encodings <= _NO_ENCODINGS:
        return False
    if decoders.of(content_type, queue) is not None or decoders.is_pickle(body, content_type):
        return False
    if unwrap(body, content_type).layers or _begins_like_json(_beginning(body)):
        return False
    # As UTF-8 too, whatever charset is named: so it is shown where nobody asks for its type.
    texts = [decoded(body, name, is_whole=True) for name in {charset(content_type), "utf-8"}]
    return any(text is not None for text in texts) and not any(map(_begins_like_json, texts))


def _beginning(body: bytes) -> str | None:
    """Return what the beginning says as base64, None where it is none."""
    start = b"".join(body[:256].split())[:64]
    content = _from_base64(start[: len(start) // 4 * 4])
    return None if content is None else decoded(content, "utf-8", is_whole=False)


def _begins_like_json(text: str | None) -> bool:
    """Whether the first character that is seen opens a table, a list or a string."""
    seen = (character for character in text or "" if character.isprintable() and not character.isspace())
    return next(seen, "") in _OPENING


def unpacked(content: bytes, content_type: str | None) -> Any:
    """Return a MessagePack map or array, else None; without its content type only what is surely one."""
    is_declared = is_msgpack(content_type)
    # Undeclared: a map (0x80-0x8f, 0xde, 0xdf) or array (0x90-0x9f, 0xdc, 0xdd) that ends where the body ends.
    if not is_declared and not (content and (0x81 <= content[0] <= 0x9F or 0xDC <= content[0] <= 0xDF)):
        return None
    try:
        value = messagepack.unpack(content)
    except ValueError:
        return None
    return value if is_declared or (isinstance(value, dict | list) and value) else None


def is_msgpack(content_type: str | None) -> bool:
    """Whether the content type says MessagePack."""
    return _lower(content_type).split(";")[0].strip() in _MSGPACK_TYPES


def parse_json(text: str) -> Any:
    """Return the JSON object or array that `text` is, else None."""
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None


def decoded(content: bytes, charset: str, *, is_whole: bool) -> str | None:
    """Return the text, or None when the bytes are not text that can be read."""
    try:
        # A body that was cut may end inside a character: only the whole of it must decode to its end.
        text = codecs.getincrementaldecoder(charset)().decode(content, final=is_whole)
    except (UnicodeError, LookupError):
        return decoded(content, "utf-8", is_whole=is_whole) if charset != "utf-8" else None
    if any(ord(character) < 32 and character not in "\t\r\n\f\b\x1b" for character in text[:4096]):
        return None
    return text.encode(errors="replace").decode()


def charset(content_type: str | None) -> str:
    """Return the charset that the content type names, if it is one of text; else utf-8."""
    _, _, rest = _lower(content_type).partition("charset=")
    name = rest.split(";")[0].strip(" \"'")
    return name if name.startswith(_CHARSETS) else "utf-8"


def _layer(content: bytes, encoding: str, *, is_json: bool) -> tuple[str, bytes, bool] | None:
    """Return (name, what is inside, whether that is all of it), None where there is nothing to undo."""
    if encoding in _GZIP or content[:3] == b"\x1f\x8b\x08":
        return _inflated(content, "gzip", (31,))
    if encoding in _ZSTD or content[:4] == _ZSTD_MARK:
        return _unzstd(content)
    if encoding in _DEFLATE:
        return _inflated(content, "deflate", (15, -15))
    if content[:2] in _ZLIB_MARKS:
        return _inflated(content, "zlib", (15,))
    if encoding == "base64" or (not is_json and _looks_encoded(content)):
        inside = _from_base64(content)
        if inside is not None and (encoding == "base64" or _is_worth_it(inside)):
            return "base64", inside, True
    return None


def _inflated(content: bytes, name: str, windows: tuple[int, ...]) -> tuple[str, bytes, bool] | None:
    for window in windows:
        inflater = zlib.decompressobj(window)
        try:
            inside = inflater.decompress(content, MAX_INFLATED_BYTES)
        except zlib.error:
            continue
        if inside or inflater.eof:
            return name, inside, inflater.eof
    return None


def _unzstd(content: bytes) -> tuple[str, bytes, bool] | None:
    import zstandard  # a body at a time needs it

    reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(
        content, read_across_frames=True
    )
    inside = b""
    try:
        while len(inside) <= MAX_INFLATED_BYTES and (piece := reader.read(65_536)):
            inside += piece
        # A frame that was cut ends like a whole one, but for what it says of its size.
        said = zstandard.frame_content_size(content) if content[:4] == _ZSTD_MARK else -1
    except zstandard.ZstdError:
        return ("zstd", inside, False) if inside else None
    is_whole = len(inside) <= MAX_INFLATED_BYTES and len(inside) >= said
    return ("zstd", inside[:MAX_INFLATED_BYTES], is_whole) if inside or said == 0 else None


def _looks_encoded(content: bytes) -> bool:
    return 16 <= len(content) <= _MAX_BASE64 and content[:1] not in b"{[<" and not content[:64].isdigit()


def _from_base64(content: bytes) -> bytes | None:
    if len(content) > _MAX_BASE64 or not _BASE64.fullmatch(content):
        return None
    plain = b"".join(content.split()).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_worth_it(content: bytes) -> bool:
    if content[:3] == b"\x1f\x8b\x08" or content[:2] in _ZLIB_MARKS:
        return _inflated(content, "", (31, 15)) is not None
    text = decoded(content, "utf-8", is_whole=True)
    return text is not None and parse_json(text) is not None


def _is_json_type(content_type: str | None) -> bool:
    return "json" in _lower(content_type)


def _lower(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
