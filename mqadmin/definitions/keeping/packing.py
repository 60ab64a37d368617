"""Objects as compressed parts, cut so that a change of one object makes a small new part. Pure."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from mqadmin.definitions.comparing.kinds import Body, Key, Snapshot

OF_ONE_PART = 256  # objects, at most about

Parts = dict[str, str]
"""Parts by name, and the digest of what is in each. Names are `kind:count:number`: part `number` of `count`."""


def pack(objects: Snapshot) -> dict[str, bytes]:
    """Return the parts by name, as JSON; where each object goes depends on its key and the count of parts alone."""
    by_kind: dict[str, list[Key]] = defaultdict(list)
    for key in objects:
        by_kind[key.kind].append(key)
    found: dict[str, bytes] = {}
    for kind, keys in by_kind.items():
        count = _count(len(keys))
        cut: dict[int, list[tuple[str, tuple[str, ...], Body]]] = defaultdict(list)
        for key in sorted(keys):
            cut[_number(key, count)].append((key.vhost, key.parts, objects[key]))
        for number, items in cut.items():
            found[f"{kind}:{count}:{number}"] = _json(items)
    return found


def digest(data: bytes) -> str:
    """Return what a part is known by."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def compressed(data: bytes) -> bytes:
    """Return it as it is stored."""
    return zlib.compress(data, 6)


def unpack(
    parts: Mapping[str, str], data: Mapping[str, bytes], names: Iterable[str] | None = None
) -> Snapshot:
    """Return the objects of the parts that are named, of all where none are; `data`: what is stored, by digest."""
    found: Snapshot = {}
    for name in parts if names is None else names:
        kind = name.partition(":")[0]
        for vhost, own, body in json.loads(zlib.decompress(data[parts[name]])):
            found[Key(kind, vhost, tuple(own))] = body
    return found


def apart(one: Parts, other: Parts) -> tuple[list[str], list[str]]:
    """Return the names of the parts of each that the other has not: what is in the rest is the same in both."""
    shared = one.items() & other.items()
    return tuple([name for name in own if (name, own[name]) not in shared] for own in (one, other))  # type: ignore[return-value]


def part_of(key: Key, parts: Mapping[str, str]) -> str | None:
    """Return the name of the part that an object is in, None where no part is of its kind."""
    count = next((int(name.split(":")[1]) for name in parts if name.startswith(f"{key.kind}:")), None)
    name = f"{key.kind}:{count}:{_number(key, count)}" if count else None
    return name if name in parts else None


def _count(objects: int) -> int:
    """Return a power of two: it changes rarely, and then all parts of the kind are made anew once."""
    count = 1
    while objects > OF_ONE_PART * count:
        count *= 2
    return count


def _number(key: Key, count: int) -> int:
    if count == 1:
        return 0
    return zlib.crc32("\0".join((key.vhost, *key.parts)).encode("utf-8", "surrogatepass")) % count


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


Loader = Callable[[Iterable[str]], Mapping[str, bytes]]
