"""Rows as bytes, and back. Pure."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgpack

from mqadmin.administration.lists.kinds import Kind

MOST_ROWS = 100_000
MOST_BYTES = 64_000_000  # before they are compressed


@dataclass(frozen=True)
class Packing:
    """The rows that are kept, compressed; what they are known by; how many there are."""

    data: bytes
    digest: str
    count: int


def pack(kind: Kind, rows: Sequence[Any]) -> Packing:
    """Pack rows in the order of their identity, as many of them as MOST_ROWS and MOST_BYTES allow."""
    values = attrgetter(*kind.columns)
    packer = msgpack.Packer(unicode_errors="surrogatepass", default=str)
    parts, size = [], 0
    for row in sorted(rows, key=attrgetter(*kind.identity))[:MOST_ROWS]:
        part = packer.pack(_plain(values(row)))
        size += len(part)
        if size > MOST_BYTES:
            break
        parts.append(part)
    whole = b"".join(parts)
    digest = hashlib.blake2b(whole, digest_size=16).hexdigest()
    return Packing(zlib.compress(whole, 1), digest, len(parts))


def unpack(data: bytes) -> list[list[Any]]:
    """Return the rows as lists of values, in the order of their kind's columns."""
    unpacker = msgpack.Unpacker(
        unicode_errors="surrogatepass", strict_map_key=False, max_buffer_size=2 * MOST_BYTES
    )
    unpacker.feed(zlib.decompress(data))
    return list(unpacker)


def mark(row: Sequence[Any]) -> bytes:
    """Return all that a row is made of, as one value that can be compared."""
    return bytes(msgpack.packb(row, unicode_errors="surrogatepass", default=str))


def _plain(values: tuple[Any, ...]) -> list[Any]:
    """Return values that msgpack can write: RabbitMQ's decimals may be numbers beyond 64 bits."""
    return [
        str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value for value in values
    ]


def short(identity: Sequence[Any]) -> str:
    """Return a short name of an identity, for the id of an element: whatever the names in it are."""
    return hashlib.blake2b(mark(list(identity)), digest_size=8).hexdigest()
