"""Rows as bytes, and back. Pure."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgpack

from mqadmin.administration.listing.columns import Column
from mqadmin.administration.listing.kinds import Kind

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
    kept = sorted(rows, key=attrgetter(*kind.identity))[:MOST_ROWS]
    whole = _packed(kind, kept)
    while len(whole) > MOST_BYTES:
        kept = kept[: min(len(kept) - 1, len(kept) * MOST_BYTES // len(whole))]
        whole = _packed(kind, kept)
    digest = hashlib.blake2b(whole, digest_size=16).hexdigest()
    return Packing(zlib.compress(whole, 1), digest, len(kept))


def _packed(kind: Kind, rows: Sequence[Any]) -> bytes:
    columns = [
        Column.of(map(_plain, map(attrgetter(name), rows))).pack() if rows else ([], b"")
        for name in kind.columns
    ]
    return bytes(msgpack.packb(columns, unicode_errors="surrogatepass", default=str))


def unpack(data: bytes) -> list[Column]:
    """Return the columns of the rows, in the order of their kind's columns."""
    columns = msgpack.unpackb(zlib.decompress(data), unicode_errors="surrogatepass", strict_map_key=False)
    return [Column.packed(distinct, codes) for distinct, codes in columns]


def mark(row: Sequence[Any]) -> bytes:
    """Return all that a row is made of, as one value that can be compared."""
    return bytes(msgpack.packb(row, unicode_errors="surrogatepass", default=str))


def _plain(value: Any) -> Any:
    """Return a value that msgpack can write: RabbitMQ's decimals may be numbers beyond 64 bits."""
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


def short(identity: Sequence[Any]) -> str:
    """Return a short name of an identity, for the id of an element: whatever the names in it are."""
    return hashlib.blake2b(mark(list(identity)), digest_size=8).hexdigest()
