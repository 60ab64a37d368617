"""Batches that fit into memory: so many items, and so many bytes of bodies, whichever ends first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

BYTES = 16 * 1024 * 1024  # bodies of one batch; a worker may hold two, one of them on its way


def split(
    items: Iterable[T], *, size: Callable[[T], int], most: int | None = None, most_bytes: int = BYTES
) -> Iterator[list[T]]:
    """Yield the items in batches of at most `most` and `most_bytes`; one that is larger makes a batch alone.

    Reads no more than one item ahead.
    """
    batch: list[T] = []
    total = 0
    for item in items:
        weight = size(item)
        if batch and (len(batch) == most or total + weight > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += weight
    if batch:
        yield batch


def fitting(sizes: Iterable[tuple[T, int]], most_bytes: int = BYTES) -> list[T]:
    """Return the first items of (item, bytes) that fit into a batch, at least one where there is one."""
    first = next(split(sizes, size=lambda pair: pair[1], most_bytes=most_bytes), [])
    return [item for item, _bytes in first]


def count(mean: float, most: int, most_bytes: int = BYTES) -> int:
    """Return how many of a `mean` size in bytes (0: not known) make a batch, `most` at most, at least one."""
    return max(1, min(most, int(most_bytes / mean)) if mean else most)
