"""Points as bytes: those of many series at one moment, and those of one series over a while. Pure.

A moment is laid out so that one series is found in it without reading the others; a chunk is columns of
differences, compressed.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

import msgpack

from mqadmin.history.kinds import Values

Point = tuple[int, Values]
"""Epoch seconds, values."""

_CODE = next(code for code in "IL" if array(code).itemsize == 4)


def moment(points: Mapping[int, Values]) -> bytes:
    """Return the points of a moment by the number of their series, below 2**32."""
    numbers = sorted(points)
    rows = [msgpack.packb(points[number]) for number in numbers]
    ends, end = [], 0
    for row in rows:
        end += len(row)
        ends.append(end)
    return b"".join((_words([len(numbers)]), _words(numbers), _words(ends), *rows))


def one(data: bytes, series: int) -> Values | None:
    """Return the values of one series in a moment, None where it did not change in it."""
    numbers, ends, rows = _laid_out(data)
    place = bisect_left(numbers, series)
    if place == len(numbers) or numbers[place] != series:
        return None
    return _row(data, rows, ends, place)


def all_of(data: bytes, *, part: int = 0, parts: int = 1) -> Iterator[tuple[int, Values]]:
    """Yield (series, values) of a moment, for the series whose number leaves `part` when divided by `parts`."""
    numbers, ends, rows = _laid_out(data)
    for place, number in enumerate(numbers):
        if number % parts == part:
            yield number, _row(data, rows, ends, place)


def _laid_out(data: bytes) -> tuple[array[int], array[int], int]:
    count = _read(data[:4])[0]
    numbers, ends = _read(data[4 : 4 + 4 * count]), _read(data[4 + 4 * count : 4 + 8 * count])
    return numbers, ends, 4 + 8 * count


def _row(data: bytes, rows: int, ends: Sequence[int], place: int) -> Values:
    begin = ends[place - 1] if place else 0
    return tuple(msgpack.unpackb(data[rows + begin : rows + ends[place]]))


def _words(numbers: Sequence[int]) -> bytes:
    found = array(_CODE, numbers)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def _read(data: bytes) -> array[int]:
    found = array(_CODE)
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def chunk(points: Sequence[Point]) -> bytes:
    """Return the points of one series, in the order of time."""
    columns: list[list[int | None]] = [_differences([at for at, _values in points])]
    widest = max((len(values) for _at, values in points), default=0)
    for place in range(widest):
        columns.append(
            _differences([values[place] if place < len(values) else None for _at, values in points])
        )
    return zlib.compress(msgpack.packb(columns), 6)


def points(data: bytes) -> list[Point]:
    """Return what `chunk` was given; a shorter point has None at its end."""
    times, *columns = (_sums(column) for column in msgpack.unpackb(zlib.decompress(data)))
    rows = zip(*columns, strict=True) if columns else iter([()] * len(times))
    return [(at or 0, values) for at, values in zip(times, rows, strict=True)]


def _differences(values: Sequence[int | None]) -> list[int | None]:
    found: list[int | None] = []
    last = 0
    for value in values:
        found.append(None if value is None else value - last)
        last = last if value is None else value
    return found


def _sums(values: Sequence[int | None]) -> list[int | None]:
    found: list[int | None] = []
    last = 0
    for value in values:
        last = last if value is None else last + value
        found.append(None if value is None else last)
    return found
